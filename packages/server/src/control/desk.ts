import { decodeHex, encodeHex, equalBytes, StateError, UsageError } from '@ckm/foundation';
import type { Account } from '../accounts/accounts.js';
import type { AuditEntry } from '../audit/audit.js';
import type { WaitingRequest } from '../context.js';
import { NO_TIGHTENING, openTightening, storeTightening } from '../policy/tightening.js';
import type { OpenServer } from '../server/open-server.js';
import type { Transaction } from '../storage/storage.js';
import type {
  OperatorAccount,
  OperatorAuditLine,
  OperatorAuditVerification,
  OperatorInvite,
  OperatorKeyPolicy,
  OperatorRequest,
  TightenBody,
} from './protocol.js';

const hexOrNull = (bytes: Uint8Array | null) => (bytes === null ? null : encodeHex(bytes));

/** What the operator can do with a server that is open. Whatever changes something is audited in the same transaction. */
export function createOperatorDesk({ context, sessions, anchor }: OpenServer) {
  const { storage, accounts, audit, vault, clock, events } = context;

  const note = (transaction: Transaction, deed: string, sentence: string, more: Partial<AuditEntry> = {}) =>
    audit.append(transaction, {
      deed,
      who: null,
      keyId: null,
      subject: null,
      sentence,
      verdict: 'done',
      policy: '',
      detail: '',
      ...more,
    });

  async function waiting(prefix: string): Promise<WaitingRequest> {
    const found = (await sessions.desk.list()).filter(({ requestId }) =>
      encodeHex(requestId).startsWith(prefix),
    );
    if (found.length === 1) return found[0]!;
    throw found.length === 0 ? unknown('request') : ambiguous('request');
  }

  async function keyNamed(keyId: Uint8Array, owner: Uint8Array | null): Promise<OperatorKeyPolicy> {
    const rows = await storage.read(({ keys }) => keys.withId(keyId));
    const found = owner === null ? rows : rows.filter((row) => equalBytes(row.owner, owner));
    const [row] = found;
    if (row === undefined) throw unknown('key');
    if (found.length > 1) throw ambiguous('key');
    const facts = await sessions.keyFacts(row.owner, row.keyId);
    if (facts === null) throw unknown('key');
    const special = await storage.read(({ tightenings }) => tightenings.find(row.owner, row.keyId));
    return {
      owner: encodeHex(row.owner),
      keyId: encodeHex(row.keyId),
      purpose: facts.purpose,
      state: facts.state,
      owned: facts.policy,
      tightening: special === null ? NO_TIGHTENING : openTightening(vault, special),
    };
  }

  return {
    requests: async (): Promise<readonly OperatorRequest[]> => (await sessions.desk.list()).map(requestView),
    approve: async (prefix: string): Promise<OperatorRequest> => {
      const { requestId } = await waiting(prefix);
      const approved = requestView(await sessions.desk.approve(requestId));
      events.operatorActed({ action: 'approve' });
      return approved;
    },
    reject: async (prefix: string, reason: string): Promise<OperatorRequest> => {
      const { requestId } = await waiting(prefix);
      const rejected = requestView(await sessions.desk.reject(requestId, reason));
      events.operatorActed({ action: 'reject' });
      return rejected;
    },
    auditLines: async (from: number, limit: number): Promise<readonly OperatorAuditLine[]> => {
      const lines = await storage.read((reader) => audit.list(reader, from, limit));
      return lines.map((line) => ({
        ...line,
        who: hexOrNull(line.who),
        keyId: hexOrNull(line.keyId),
        subject: hexOrNull(line.subject),
        hash: encodeHex(line.hash),
      }));
    },
    verifyAudit: async (): Promise<OperatorAuditVerification> => {
      const verification = await audit.verify(storage, anchor());
      return verification.ok ? { ...verification, head: encodeHex(verification.head) } : verification;
    },
    createInvite: async (invite: { readonly note: string; readonly lifetimeSeconds: number }) => {
      const expiresAt = clock() + invite.lifetimeSeconds;
      const { code } = await storage.transact(async (transaction) => {
        const made = await accounts.createInvite(transaction, { note: invite.note, expiresAt });
        await note(transaction, 'operator.invite', 'Invite somebody', { detail: invite.note });
        return made;
      });
      events.operatorActed({ action: 'invite' });
      return { code, expiresAt };
    },
    invites: async (): Promise<readonly OperatorInvite[]> => {
      const list = await storage.read((reader) => accounts.listInvites(reader, 1_000));
      return list.map((invite) => ({ ...invite, usedBy: hexOrNull(invite.usedBy) }));
    },
    accounts: async (after: Uint8Array | null): Promise<readonly OperatorAccount[]> =>
      storage.read(async (reader) => {
        const list: OperatorAccount[] = [];
        for (const { xid, status, openedAt } of await accounts.list(reader, after, 200)) {
          const usage = { keys: await reader.keys.count(xid), bytes: await reader.bytesOf(xid) };
          list.push({ xid: encodeHex(xid), status, openedAt, ...usage });
        }
        return list;
      }),
    setStatus: async (xid: Uint8Array, status: Account['status']): Promise<{ readonly xid: string }> => {
      await storage.transact(async (transaction) => {
        await accounts.setStatus(transaction, xid, status);
        const sentence = status === 'suspended' ? 'Suspend an account' : 'Let an account go on';
        await note(transaction, `operator.${status === 'suspended' ? 'suspend' : 'resume'}`, sentence, {
          who: xid,
        });
      });
      events.operatorActed({ action: status });
      return { xid: encodeHex(xid) };
    },
    keyPolicy: keyNamed,
    tighten: async (
      keyId: Uint8Array,
      owner: Uint8Array | null,
      change: TightenBody,
    ): Promise<OperatorKeyPolicy> => {
      const key = await keyNamed(keyId, owner);
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      const tightening = {
        ...key.tightening,
        ...Object.fromEntries(given),
      } as OperatorKeyPolicy['tightening'];
      const ownerXid = decodeHex(key.owner);
      await storage.transact(async (transaction) => {
        const row = await storeTightening(vault, transaction, { owner: ownerXid, keyId }, tightening);
        const more = { who: ownerXid, keyId, policy: `tightened ${row.version}` };
        await note(transaction, 'operator.tighten', 'Tighten the policy of a key', more);
      });
      events.operatorActed({ action: 'tighten' });
      return { ...key, tightening };
    },
    summary: async () => {
      const [head, waitingRequests] = await storage.read(
        async (reader) =>
          [await reader.audit.head(), (await reader.requests.listWaiting(1_000)).length] as const,
      );
      return {
        storage: storage.kind,
        waitingRequests,
        auditEntries: head?.sequence ?? 0,
        auditHead: head === null ? '' : encodeHex(head.hash),
      };
    },
  };
}
export type OperatorDesk = ReturnType<typeof createOperatorDesk>;

function requestView(request: WaitingRequest): OperatorRequest {
  const { owner, requestId, keyId } = request;
  return { ...request, owner: encodeHex(owner), requestId: encodeHex(requestId), keyId: encodeHex(keyId) };
}

function unknown(what: string): UsageError {
  return new UsageError(`there is no such ${what}`, {
    code: 'OPERATOR_UNKNOWN_ID',
    hint: `list the ${what}s`,
  });
}

function ambiguous(what: string): StateError {
  return new StateError(`more than one ${what} begins like that`, {
    code: 'OPERATOR_AMBIGUOUS_ID',
    hint: 'give more digits',
    retryable: false,
  });
}
