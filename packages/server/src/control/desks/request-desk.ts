import { encodeHex } from '@ckm/foundation';
import type { WaitingRequest } from '../../context.js';
import type { OpenServer } from '../../server/open-server.js';
import type { OperatorRequest } from '../protocol.js';
import { ambiguous, unknown } from './errors.js';

/** Requests that wait for the operator. */
export function createRequestDesk({ context, sessions }: OpenServer) {
  async function waiting(prefix: string): Promise<WaitingRequest> {
    const all = await sessions.desk.list();
    const found = all.filter(({ requestId }) => encodeHex(requestId).startsWith(prefix));
    if (found.length === 1) return found[0]!;
    throw found.length === 0 ? unknown('request') : ambiguous('request');
  }

  return {
    requests: async (): Promise<readonly OperatorRequest[]> => (await sessions.desk.list()).map(view),
    /**
     * @param prefix the first digits of its id
     * @param tasksHash of what was looked at
     */
    approve: async (prefix: string, tasksHash: Uint8Array | null): Promise<OperatorRequest> => {
      const { requestId } = await waiting(prefix);
      const approved = view(await sessions.desk.approve(requestId, tasksHash));
      context.events.operatorActed({ action: 'approve' });
      return approved;
    },
    reject: async (prefix: string, reason: string): Promise<OperatorRequest> => {
      const { requestId } = await waiting(prefix);
      const rejected = view(await sessions.desk.reject(requestId, reason));
      context.events.operatorActed({ action: 'reject' });
      return rejected;
    },
  };
}

function view(request: WaitingRequest): OperatorRequest {
  const { owner, requestId, keyId, tasksHash } = request;
  return {
    ...request,
    owner: encodeHex(owner),
    requestId: encodeHex(requestId),
    keyId: encodeHex(keyId),
    tasksHash: encodeHex(tasksHash),
  };
}
