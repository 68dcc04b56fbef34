import { request } from 'node:http';
import { join } from 'node:path';
import { fromProblem } from '@ckm/api';
import { AvailabilityError, BugError, reveal, type Secret, wipe } from '@ckm/foundation';
import { CONTROL_SOCKET } from '../server/data-dir.js';
import type {
  OperatorAccount,
  OperatorAuditLine,
  OperatorAuditVerification,
  OperatorInvite,
  OperatorKey,
  OperatorKeyPolicy,
  OperatorRequest,
  OperatorStatus,
  TightenBody,
} from './protocol.js';

/**
 * The operator's side of a running server, over the socket in its data directory. Every function throws the server's own
 * error, or AvailabilityError `SERVER_NOT_RUNNING`. Ids are hex; a request may be named by its first digits.
 */
export interface Operator {
  status(): Promise<OperatorStatus>;
  /** Wipes the passphrase. @throws AccessError `PASSPHRASE_WRONG`, `PASSPHRASE_TOO_MANY_TRIES`. */
  unseal(passphrase: Secret<Uint8Array>): Promise<OperatorStatus>;
  shutdown(): Promise<void>;
  /** A page of the requests that wait, oldest first, behind `after`; an empty one is the end. */
  requests(
    after?: Pick<OperatorRequest, 'createdAt' | 'requestId' | 'owner'>,
  ): Promise<readonly OperatorRequest[]>;
  /** The one that waits under an id beginning like that; `owner` is only needed where two accounts have the same id. */
  request(requestId: string, owner?: string): Promise<OperatorRequest>;
  /**
   * @param seen what was looked at: nothing else is approved, and without its owner no id that two accounts have used
   * @throws StateError `REQUEST_NOT_AS_SEEN`, `REQUEST_AMBIGUOUS`
   */
  approve(requestId: string, seen?: Partial<SeenRequest>): Promise<OperatorRequest>;
  reject(requestId: string, reason: string): Promise<OperatorRequest>;
  /** Rejects everything that an account has waiting; `xid` is whole. */
  rejectAll(xid: string, reason: string): Promise<{ readonly rejected: number }>;
  /** Entries from number `from` (1) on, at most `limit` (100, no more than 1000). */
  audit(range?: { readonly from?: number; readonly limit?: number }): Promise<readonly OperatorAuditLine[]>;
  verifyAudit(): Promise<OperatorAuditVerification>;
  /** `needed` is false on a server that is open. @throws UsageError `INVITES_CLOSED` on one that is closed */
  createInvite(invite?: { readonly note?: string; readonly lifetimeSeconds?: number }): Promise<{
    readonly code: string;
    readonly id: string;
    readonly expiresAt: number;
    readonly needed: boolean;
  }>;
  invites(): Promise<readonly OperatorInvite[]>;
  /** The one whose id begins like that, or whose code it is. */
  invite(name: string): Promise<OperatorInvite>;
  /** Takes it back. @throws StateError `INVITE_USED` */
  revokeInvite(name: string): Promise<OperatorInvite>;
  accounts(after?: string): Promise<readonly OperatorAccount[]>;
  suspend(xid: string): Promise<void>;
  resume(xid: string): Promise<void>;
  /** The keys this server has a share of, by owner and id, at most 200 of them, behind `after`. */
  keys(after?: Pick<OperatorKey, 'owner' | 'keyId'>): Promise<readonly OperatorKey[]>;
  /** A key may be named by its first digits; `owner` is only needed when ids of two accounts begin alike. */
  keyPolicy(keyId: string, owner?: string): Promise<OperatorKeyPolicy>;
  /** Changes what the operator takes away from the owner's policy; what is absent stays as it is. */
  tightenKey(keyId: string, change: TightenBody, owner?: string): Promise<OperatorKeyPolicy>;
  metrics(): Promise<string>;
}

type SeenRequest = Pick<OperatorRequest, 'owner' | 'keyId' | 'tasksHash'>;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Nothing is connected before the first question. */
export function connectOperator(dataDir: string): Operator {
  const socketPath = join(dataDir, CONTROL_SOCKET);

  async function ask<T>(method: 'GET' | 'POST', path: string, body?: Uint8Array): Promise<T> {
    const { status, text } = await send(socketPath, method, path, body);
    if (status === 200) return parsed(text) as T;
    throw fromProblem(parsed(text));
  }
  const get = <T>(path: string, query: Record<string, string | number | undefined> = {}) => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return ask<T>('GET', search === '' ? path : `${path}?${search}`);
  };
  const post = <T>(path: string, value: unknown = {}) =>
    ask<T>('POST', path, new TextEncoder().encode(JSON.stringify(value)));
  const of = (id: string) => encodeURIComponent(id);
  const ownedBy = (owner: string | undefined) => (owner === undefined ? '' : `?owner=${of(owner)}`);

  return {
    status: () => get('/status'),
    unseal: async (passphrase) => {
      try {
        return await ask<OperatorStatus>('POST', '/unseal', reveal(passphrase, 'send it to the server'));
      } finally {
        wipe(passphrase);
      }
    },
    shutdown: async () => void (await post('/shutdown')),
    requests: (after) =>
      get('/requests', { createdAt: after?.createdAt, after: after?.requestId, owner: after?.owner }),
    request: (requestId, owner) => get(`/requests/${of(requestId)}`, { owner }),
    approve: (requestId, seen) =>
      post(`/requests/${of(requestId)}/approve`, seen === undefined ? {} : seenOf(seen)),
    reject: (requestId, reason) => post(`/requests/${of(requestId)}/reject`, { reason }),
    rejectAll: (xid, reason) => post(`/accounts/${of(xid)}/reject`, { reason }),
    audit: (range = {}) => get('/audit', { from: range.from, limit: range.limit }),
    verifyAudit: () => get('/audit/verify'),
    createInvite: (invite = {}) => post('/invites', invite),
    invites: () => get('/invites'),
    invite: (name) => post('/invites/find', { invite: name }),
    revokeInvite: (name) => post('/invites/revoke', { invite: name }),
    accounts: (after) => get('/accounts', { after }),
    suspend: async (xid) => void (await post(`/accounts/${of(xid)}/suspend`)),
    resume: async (xid) => void (await post(`/accounts/${of(xid)}/resume`)),
    keys: (after) => get('/keys', { owner: after?.owner, after: after?.keyId }),
    keyPolicy: (keyId, owner) => get(`/keys/${of(keyId)}/policy${ownedBy(owner)}`),
    tightenKey: (keyId, change, owner) => post(`/keys/${of(keyId)}/policy${ownedBy(owner)}`, change),
    metrics: async () => (await send(socketPath, 'GET', '/metrics')).text,
  };
}

function seenOf({ owner, keyId, tasksHash }: Partial<SeenRequest>) {
  return { owner, keyId, tasksHash };
}

function send(socketPath: string, method: string, path: string, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-length': String(body.length) };
    const sent = request({ socketPath, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
      );
      response.on('error', (cause) => reject(notRunning(cause)));
    });
    sent.on('error', (cause) => reject(notRunning(cause)));
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BugError('the server answered the operator with something that is not JSON', {
      code: 'OPERATOR_ANSWER_UNREADABLE',
      hint: 'compare the versions of ckm and the server',
      cause,
    });
  }
}

function notRunning(cause: unknown): AvailabilityError {
  return new AvailabilityError('no server is running in this data directory', {
    code: 'SERVER_NOT_RUNNING',
    hint: 'run: ckm server start',
    cause,
  });
}
