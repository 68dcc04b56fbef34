import { decodeHex, type Secret } from '@ckm/foundation';
import type { Reporting } from '../events.js';
import type { OperatorDesk } from './desks/desk.js';
import type { CheckedParameters, OperationName, OperatorResult } from './operations.js';
import type { OperatorStatus } from './schemas/status.js';

/** What the operations work on. */
export interface ControlOptions {
  status(): Promise<OperatorStatus>;
  /** Wiped by whoever takes it. */
  unseal(passphrase: Secret<Uint8Array>): Promise<void>;
  /** @param both passphrases, as `encodePassphrases` puts them; wiped */
  changePassphrase(both: Secret<Uint8Array>): Promise<void>;
  /** Begins to stop; resolves at once. */
  shutdown(): void;
  /** @throws AvailabilityError `SERVER_SEALED` while there is none. */
  desk(): OperatorDesk;
  readonly reporting: Reporting;
}

/** What each operation does, with parameters that its schema has let through. */
export type Acts = {
  readonly [N in OperationName]: (parameters: CheckedParameters<N>) => Promise<OperatorResult<N>>;
};

const bytesOrNull = (hex: string | undefined) => (hex === undefined ? null : decodeHex(hex));

export function createActs({
  desk,
  status,
  unseal,
  changePassphrase,
  shutdown,
  reporting,
}: ControlOptions): Acts {
  return {
    status,
    unseal: async (passphrase) => {
      await unseal(passphrase);
      return status();
    },
    changePassphrase: async (both) => {
      await changePassphrase(both);
      return {};
    },
    shutdown: async () => {
      shutdown();
      return {};
    },
    rotateKey: async (passphrase) => ({ storageKey: await desk().rotateKey(passphrase) }),
    backup: (passphrase) => desk().backup(passphrase, true),
    backupWithoutEpochKeys: (passphrase) => desk().backup(passphrase, false),
    keepBackup: async ({ id, takenAt }) => {
      await desk().keepBackup({ id: decodeHex(id), takenAt });
      return {};
    },
    noteDestroyedBackups: async ({ before }) => {
      await desk().noteDestroyedBackups(before);
      return {};
    },
    drill: (backup) => desk().drill(backup),
    metrics: () => reporting.metrics(),

    requests: ({ createdAt, requestId, owner }) =>
      desk().requests(
        createdAt === undefined || requestId === undefined || owner === undefined
          ? null
          : { createdAt, requestId: decodeHex(requestId), owner: decodeHex(owner) },
      ),
    request: ({ requestId, owner }) => desk().request(requestId, bytesOrNull(owner)),
    approve: ({ requestId, as = null, ...seen }) => desk().approve(requestId, bytesOfAll(seen), as),
    reject: ({ requestId, reason, as = null }) => desk().reject(requestId, reason, as),
    rejectAll: ({ xid, reason, as = null }) => desk().rejectAll(decodeHex(xid), reason, as),

    sessions: ({ sessionId, owner }) =>
      desk().waitingSessions(
        sessionId === undefined || owner === undefined
          ? null
          : { sessionId: decodeHex(sessionId), owner: decodeHex(owner) },
      ),
    approveSession: async ({ as = null, words = '', ...seen }) => {
      await desk().approveSession(seen, as, words);
      return {};
    },
    rejectSession: async ({ reason, as = null, ...seen }) => {
      await desk().rejectSession(seen, reason, as);
      return {};
    },

    changes: ({ owner, keyId, epoch }) =>
      desk().waitingChanges(
        owner === undefined || keyId === undefined || epoch === undefined
          ? null
          : { owner: decodeHex(owner), keyId: decodeHex(keyId), epoch },
      ),
    approveChange: async ({ words, as = null, ...seen }) => {
      await desk().approveChange(seen, words, as);
      return {};
    },
    rejectChange: async ({ reason, as = null, ...seen }) => {
      await desk().rejectChange(seen, reason, as);
      return {};
    },

    outbox: ({ owner, id }) =>
      desk().outbox(
        owner === undefined || id === undefined ? null : { owner: decodeHex(owner), id: decodeHex(id) },
      ),
    retryOutbox: () => desk().retryOutbox(),

    audit: ({ from, limit }) => desk().auditLines(from, limit),
    verifyAudit: () => desk().verifyAudit(),

    invites: ({ after }) => desk().invites(after ?? null),
    createInvite: (invite) => desk().createInvite(invite),
    invite: ({ invite }) => desk().invite(invite),
    revokeInvite: ({ invite }) => desk().revokeInvite(invite),

    accounts: ({ after }) => desk().accounts(bytesOrNull(after)),
    recoverAccount: ({ xid, request, words, as = null }) =>
      desk().recoverAccount(decodeHex(xid), request, words, as),
    suspend: async ({ xid }) => {
      await desk().suspend(decodeHex(xid));
      return {};
    },
    thawAccount: async ({ xid }) => ({ wasFrozen: await desk().thawAccount(decodeHex(xid)) }),
    resume: async ({ xid }) => {
      await desk().resume(decodeHex(xid));
      return {};
    },

    keys: ({ owner, keyId }) =>
      desk().keys(
        owner === undefined || keyId === undefined
          ? null
          : { owner: decodeHex(owner), keyId: decodeHex(keyId) },
      ),
    keyPolicy: ({ keyId, owner }) => desk().keyPolicy(keyId, bytesOrNull(owner)),
    thawKey: ({ keyId, owner }) => desk().thaw(keyId, bytesOrNull(owner)),
    releaseKey: ({ keyId, owner }) => desk().release(keyId, bytesOrNull(owner)),
    silence: ({ keyId, owner }) => desk().silence({ keyId: decodeHex(keyId), owner: decodeHex(owner) }),
    agreeSilence: ({ keyId, owner, without, as = null }) =>
      desk().agreeSilence(
        { keyId: decodeHex(keyId), owner: decodeHex(owner) },
        without.map((xid) => decodeHex(xid)),
        as,
      ),
    tightenKey: ({ keyId, owner, ...change }) => desk().tighten(keyId, bytesOrNull(owner), change),
    loosenKey: ({ keyId, owner, ...change }) => desk().loosen(keyId, bytesOrNull(owner), change),
  };
}

function bytesOfAll(
  digits: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, Uint8Array>> {
  const given = Object.entries(digits).flatMap(([name, hex]) =>
    hex === undefined ? [] : [[name, decodeHex(hex)] as const],
  );
  return Object.fromEntries(given);
}
