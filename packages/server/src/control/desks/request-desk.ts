import { encodeHex, equalBytes, StateError } from '@ckm/foundation';
import type { KeyFacts, SeenRequest, WaitingRequest } from '../../context.js';
import type { RequestCursor } from '../../storage/storage.js';
import type { OperatorRequest, OperatorRequestCursor, OperatorRequests } from '../schemas/requests.js';
import { ambiguous, unknown } from './errors.js';
import { idsBeginning } from '../../storage/id-prefix.js';
import type { DeskMeans } from './means.js';

/** Requests that wait for the operator. */
export function createOperatorRequests({ context, sessions }: DeskMeans) {
  const { storage, events } = context;

  /**
   * @param prefix the first digits of its id
   * @param owner null: whoever's it is
   */
  async function waiting(prefix: string, owner: Uint8Array | null): Promise<WaitingRequest> {
    const [lowest, highest] = idsBeginning(prefix);
    const all = await sessions.desk.find(lowest, highest);
    const [found, ...others] = owner === null ? all : all.filter((one) => equalBytes(one.owner, owner));
    if (found === undefined)
      throw (await sessions.desk.past(lowest, highest, owner)) ?? unknown('request', { kind: 'listWaiting' });
    if (others.some(({ requestId }) => equalBytes(requestId, found.requestId))) throw twins();
    if (others.length > 0) throw ambiguous('request');
    return found;
  }

  /** With what its key is called by: people compare words, not digits. */
  async function view(request: WaitingRequest): Promise<OperatorRequest> {
    const row = await storage.read(({ keys }) => keys.find(request.owner, request.keyId));
    return viewOf(request, row === null ? null : sessions.keyFactsIfWhole(row));
  }

  return {
    /** A page of them, behind `after`. How many there are on one depends on their size: an empty one is the end. */
    requests: async (after: RequestCursor | null): Promise<OperatorRequests> => {
      const requests = await Promise.all((await sessions.desk.list(after)).map(view));
      const last = requests.at(-1);
      return { requests, next: last === undefined ? null : cursorOf(last) };
    },
    request: async (prefix: string, owner: Uint8Array | null): Promise<OperatorRequest> =>
      view(await waiting(prefix, owner)),
    /**
     * @param prefix the first digits of its id
     * @param seen of what was looked at
     * @param as whom whoever answers says to be
     */
    approve: async (
      prefix: string,
      seen: Partial<SeenRequest>,
      as: string | null,
    ): Promise<OperatorRequest> => {
      const { requestId } = await waiting(prefix, seen.owner ?? null);
      const approved = await view(await sessions.desk.approve(requestId, seen, as));
      events.operatorActed({ action: 'approve' });
      return approved;
    },
    reject: async (prefix: string, reason: string, as: string | null): Promise<OperatorRequest> => {
      const { requestId, owner } = await waiting(prefix, null);
      const rejected = await view(await sessions.desk.reject(requestId, reason, owner, as));
      events.operatorActed({ action: 'reject' });
      return rejected;
    },
    rejectAll: async (
      owner: Uint8Array,
      reason: string,
      as: string | null,
    ): Promise<{ readonly rejected: number }> => {
      const account = await storage.read(({ accounts }) => accounts.find(owner));
      if (account === null) throw unknown('account', { kind: 'listAccounts' });
      const rejected = await sessions.desk.rejectAll(owner, reason, as);
      events.operatorActed({ action: 'reject-all' });
      return { rejected };
    },
  };
}

function twins(): StateError {
  return new StateError('two accounts wait under this very id', {
    code: 'OPERATOR_AMBIGUOUS_ID',
    hint: 'name whose request is meant, or reject all that the other account has waiting',
    remedy: { kind: 'nameAccount' },
    retryable: false,
  });
}

function viewOf(request: WaitingRequest, facts: KeyFacts | null): OperatorRequest {
  const { owner, requestId, keyId, tasksHash } = request;
  const transcriptHash = facts?.transcriptHash ?? null;
  return {
    ...request,
    transcriptHash: transcriptHash === null ? null : encodeHex(transcriptHash),
    owner: encodeHex(owner),
    requestId: encodeHex(requestId),
    keyId: encodeHex(keyId),
    tasksHash: encodeHex(tasksHash),
  };
}

function cursorOf({ createdAt, requestId, owner }: OperatorRequest): OperatorRequestCursor {
  return { createdAt, requestId, owner };
}
