// Longer than other files, because it is the one table of what an operator can ask and do, with what each of it takes and changes on its lines.
import type { CheckedParametersOf, Operation, ParametersOf, ResultOf } from './operation.js';
import { auditParameters, auditResult, operatorAuditVerification } from './schemas/audit.js';
import {
  approveChangeParameters,
  changesParameters,
  changesResult,
  rejectChangeParameters,
} from './schemas/changes.js';
import { nothing } from './schemas/common.js';
import { drillParameters, drillResult } from './schemas/drills.js';
import {
  keyParameters,
  keysParameters,
  keysResult,
  operatorKeyPolicy,
  tightenParameters,
} from './schemas/keys.js';
import {
  accountParameters,
  accountsParameters,
  accountsResult,
  createInviteParameters,
  createInviteResult,
  inviteParameters,
  invitesParameters,
  invitesResult,
  operatorInvite,
  thawAccountResult,
} from './schemas/people.js';
import { recoverParameters, recoverResult } from './schemas/recoveries.js';
import { outboxParameters, outboxResult, retryOutboxResult } from './schemas/outbox.js';
import {
  approveParameters,
  operatorRequest,
  rejectAllParameters,
  rejectAllResult,
  rejectParameters,
  requestParameters,
  requestsParameters,
  requestsResult,
} from './schemas/requests.js';
import {
  approveSessionParameters,
  rejectSessionParameters,
  sessionsParameters,
  sessionsResult,
} from './schemas/sessions.js';
import { agreeSilenceParameters, silenceParameters, silenceResult } from './schemas/silence.js';
import {
  destroyedBackupsParameters,
  keepBackupParameters,
  operatorStatus,
  rotateKeyResult,
} from './schemas/status.js';

type Row = Omit<Operation, 'method' | 'takes' | 'changes'>;

/** A row that only looks. */
const read = <R extends Row>(row: R) =>
  ({ method: 'GET', takes: 'read', changes: 'nothing', ...row }) as const;
/** A row that changes something. */
const change = <R extends Row & Pick<Operation, 'takes' | 'changes'>>(row: R) =>
  ({ method: 'POST', ...row }) as const;

/**
 * Everything that an operator can ask of a running server: the one table from which come the routes of the socket, the
 * client of the command line, the OpenAPI document and the tests that walk them all.
 */
export const OPERATIONS = {
  status: read({
    path: '/status',
    summary: 'how the server is',
    parameters: nothing,
    result: operatorStatus,
  }),
  unseal: change({
    path: '/unseal',
    summary: 'open a sealed server with its passphrase',
    takes: 'local',
    changes: 'process',
    parameters: 'secret',
    result: operatorStatus,
  }),
  changePassphrase: change({
    path: '/passphrase',
    summary:
      'keep the storage key under another passphrase; the secret is both, the present one with its length first',
    takes: 'local',
    changes: 'process',
    parameters: 'secret',
    result: nothing,
  }),
  shutdown: change({
    path: '/shutdown',
    summary: 'begin to stop; answered at once',
    takes: 'local',
    changes: 'process',
    parameters: nothing,
    result: nothing,
  }),
  rotateKey: change({
    path: '/rotate-key',
    summary:
      'put another storage key in the place of the present one; answered when the old one is destroyed',
    takes: 'local',
    changes: 'process',
    parameters: 'secret',
    result: rotateKeyResult,
  }),
  backup: change({
    path: '/backup',
    summary: 'everything a server is made of but sessions and nonces, encrypted under a passphrase',
    takes: 'local',
    changes: 'copy',
    parameters: 'secret',
    result: 'bytes',
  }),
  backupWithoutEpochKeys: change({
    path: '/backup-without-epoch-keys',
    summary: 'the same without the keys of epochs: no share in it ever opens',
    takes: 'local',
    changes: 'copy',
    parameters: 'secret',
    result: 'bytes',
  }),
  keepBackup: change({
    path: '/backup/kept',
    summary: 'note that a backup was read back and found good',
    takes: 'local',
    changes: 'copy',
    parameters: keepBackupParameters,
    result: nothing,
  }),
  noteDestroyedBackups: change({
    path: '/backup/destroyed',
    summary:
      'note that all backups that were begun before a moment are destroyed; owners are told so, signed',
    takes: 'local',
    changes: 'copy',
    parameters: destroyedBackupsParameters,
    result: nothing,
  }),
  drill: change({
    path: '/drill',
    summary: 'compare what a backup has of some keys with the certified public shares; no share is sent',
    takes: 'local',
    changes: 'copy',
    parameters: drillParameters,
    result: drillResult,
  }),
  metrics: read({
    path: '/metrics',
    summary: 'metrics in the text format of Prometheus',
    parameters: nothing,
    result: 'text',
  }),

  requests: read({
    path: '/requests',
    summary: 'a page of the requests that wait for the operator, oldest first',
    parameters: requestsParameters,
    result: requestsResult,
  }),
  request: read({
    path: '/requests/:requestId',
    summary: 'the one request that waits under an id beginning like that',
    parameters: requestParameters,
    result: operatorRequest,
  }),
  approve: change({
    path: '/requests/:requestId/approve',
    summary: 'say yes to a request, as it was looked at',
    takes: 'go',
    changes: 'request',
    parameters: approveParameters,
    result: operatorRequest,
  }),
  reject: change({
    path: '/requests/:requestId/reject',
    summary: 'say no to a request, with a reason that reaches whoever asked',
    takes: 'stop',
    changes: 'request',
    parameters: rejectParameters,
    result: operatorRequest,
  }),
  rejectAll: change({
    path: '/accounts/:xid/reject',
    summary: 'say no to every request that an account has waiting',
    takes: 'stop',
    changes: 'request',
    parameters: rejectAllParameters,
    result: rejectAllResult,
  }),

  sessions: read({
    path: '/sessions',
    summary: 'a page of the ceremonies that wait for the operator',
    parameters: sessionsParameters,
    result: sessionsResult,
  }),
  approveSession: change({
    path: '/sessions/:sessionId/approve',
    summary: 'take part in a ceremony, as it was looked at',
    takes: 'go',
    changes: 'session',
    parameters: approveSessionParameters,
    result: nothing,
  }),
  rejectSession: change({
    path: '/sessions/:sessionId/reject',
    summary: 'take no part in a ceremony, with a reason that reaches its owner',
    takes: 'stop',
    changes: 'session',
    parameters: rejectSessionParameters,
    result: nothing,
  }),

  changes: read({
    path: '/changes',
    summary: 'a page of the changes of who holds a key that wait for the operator or for their delay',
    parameters: changesParameters,
    result: changesResult,
  }),
  approveChange: change({
    path: '/changes/:orderHash/approve',
    summary: 'say yes to a change of who holds a key, with its six words',
    takes: 'go',
    changes: 'key',
    parameters: approveChangeParameters,
    result: nothing,
  }),
  rejectChange: change({
    path: '/changes/:orderHash/reject',
    summary: 'say no to a change of who holds a key, with a reason that reaches its owner',
    takes: 'stop',
    changes: 'key',
    parameters: rejectChangeParameters,
    result: nothing,
  }),

  outbox: read({
    path: '/outbox',
    summary: 'a page of what goes out to people: what waits, what was given up, and why; not what it says',
    parameters: outboxParameters,
    result: outboxResult,
  }),
  retryOutbox: change({
    path: '/outbox/retry',
    summary: 'send again what was not sent',
    takes: 'go',
    changes: 'outbox',
    parameters: nothing,
    result: retryOutboxResult,
  }),

  audit: read({
    path: '/audit',
    summary: 'entries of the audit log from a number on',
    parameters: auditParameters,
    result: auditResult,
  }),
  verifyAudit: read({
    path: '/audit/verify',
    summary: 'check the whole chain of the audit log',
    parameters: nothing,
    result: operatorAuditVerification,
  }),

  invites: read({
    path: '/invites',
    summary: 'a page of the invites, and who used them',
    parameters: invitesParameters,
    result: invitesResult,
  }),
  createInvite: change({
    path: '/invites',
    summary: 'a code with which one person may open one account',
    takes: 'go',
    changes: 'invite',
    parameters: createInviteParameters,
    result: createInviteResult,
  }),
  // A POST, because a code of an invite is a secret and an address is written into logs.
  invite: change({
    path: '/invites/find',
    summary: 'the invite whose id begins like that, or whose code it is',
    takes: 'read',
    changes: 'nothing',
    parameters: inviteParameters,
    result: operatorInvite,
  }),
  revokeInvite: change({
    path: '/invites/revoke',
    summary: 'take back an invite that nobody has used',
    takes: 'stop',
    changes: 'invite',
    parameters: inviteParameters,
    result: operatorInvite,
  }),

  accounts: read({
    path: '/accounts',
    summary: 'a page of the accounts, and what they use',
    parameters: accountsParameters,
    result: accountsResult,
  }),
  recoverAccount: change({
    path: '/accounts/:xid/recover',
    summary: 'vouch in person for whoever wants an account back that has named its operator as a contact',
    takes: 'go',
    changes: 'account',
    parameters: recoverParameters,
    result: recoverResult,
  }),
  suspend: change({
    path: '/accounts/:xid/suspend',
    summary: 'answer an account no more; its keys stay',
    takes: 'stop',
    changes: 'account',
    parameters: accountParameters,
    result: nothing,
  }),
  thawAccount: change({
    path: '/accounts/:xid/thaw',
    summary: 'end the freeze of a whole account before its time',
    takes: 'go',
    changes: 'account',
    parameters: accountParameters,
    result: thawAccountResult,
  }),
  resume: change({
    path: '/accounts/:xid/resume',
    summary: 'answer a suspended account again',
    takes: 'go',
    changes: 'account',
    parameters: accountParameters,
    result: nothing,
  }),

  keys: read({
    path: '/keys',
    summary: 'a page of the keys this server has a share of',
    parameters: keysParameters,
    result: keysResult,
  }),
  keyPolicy: read({
    path: '/keys/:keyId/policy',
    summary: 'what is allowed for a key, by its owner and by the operator',
    parameters: keyParameters,
    result: operatorKeyPolicy,
  }),
  tightenKey: change({
    path: '/keys/:keyId/tighten',
    summary: 'allow less for a key than its owner does, and than before',
    takes: 'stop',
    changes: 'key',
    parameters: tightenParameters,
    result: operatorKeyPolicy,
  }),
  loosenKey: change({
    path: '/keys/:keyId/loosen',
    summary: 'take back what was tightened; never more than the owner allows',
    takes: 'go',
    changes: 'key',
    parameters: tightenParameters,
    result: operatorKeyPolicy,
  }),
  thawKey: change({
    path: '/keys/:keyId/thaw',
    summary: 'end the freeze of a key by its owner before its time',
    takes: 'go',
    changes: 'key',
    parameters: keyParameters,
    result: operatorKeyPolicy,
  }),
  releaseKey: change({
    path: '/keys/:keyId/release',
    summary: 'answer again for a key that the server has stopped because a share was wrong',
    takes: 'go',
    changes: 'key',
    parameters: keyParameters,
    result: operatorKeyPolicy,
  }),
  silence: read({
    path: '/keys/:keyId/silence',
    summary: 'for how long the owner of a key has given no sign of life here, and which heir asks for it',
    parameters: silenceParameters,
    result: silenceResult,
  }),
  agreeSilence: change({
    path: '/keys/:keyId/silence/agree',
    summary: 'let an heir who asks for a key go on without the word of servers that are dead',
    takes: 'go',
    changes: 'key',
    parameters: agreeSilenceParameters,
    result: silenceResult,
  }),
} satisfies Readonly<Record<string, Operation>>;

type Table = typeof OPERATIONS;
export type OperationName = keyof Table;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];
export type OperatorParameters<N extends OperationName> = ParametersOf<Table[N]>;
export type CheckedParameters<N extends OperationName> = CheckedParametersOf<Table[N]>;
export type OperatorResult<N extends OperationName> = ResultOf<Table[N]>;
