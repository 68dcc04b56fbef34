import { StorageError } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { type AuditContent, parseContent } from '../../audit/entry.js';
import { vaultError } from '../../vault/codes.js';
import type { Storage, Transaction } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';
import { capBackups, noteRestoredBackups } from './backup-marks.js';
import { momentIn, openIfWhole } from './read-mark.js';

const CHECK = 'storage key';
const FORGOTTEN = 'forgotten before';
const PROBE = 'last try to write';
const RESTORED = 'restored at';
const RESTORED_FROM = 'restored from';

/**
 * Seen message ids are forgotten this long after they expired: the clocks of two replicas, or of one machine before and
 * after it was corrected, may differ by that much without a message being answered twice.
 */
const MARGIN_SECONDS = 600;

/**
 * Makes sure that database and storage key belong together; marks a new database.
 * @throws StorageError `STORAGE_KEY_WRONG`.
 */
export async function assertStorageKey(storage: Storage, vault: Vault): Promise<void> {
  await storage.transact(async ({ meta }) => {
    const row = await meta.find(CHECK);
    if (row === null) return meta.put(vault.sealRow('meta', { name: CHECK }, vault.checkValue));
    try {
      vault.openRow('meta', row);
    } catch (cause) {
      throw vaultError(
        'STORAGE_KEY_WRONG',
        'the storage key is not the one this database was written with',
        'use the key file that belongs to this database',
        cause,
      );
    }
  });
}

/** The moment before which message ids were forgotten: no message from then may be answered again. 0: none were. */
export async function forgottenBefore(storage: Storage, vault: Vault): Promise<number> {
  const row = await storage.read(({ meta }) => meta.find(FORGOTTEN));
  if (row === null) return 0;
  return momentIn(vault.openRow('meta', row));
}

/** Forgets message ids that expired long ago, and notes until when, in one transaction. */
export async function forgetMessages(storage: Storage, vault: Vault, now: number): Promise<void> {
  const at = now - MARGIN_SECONDS;
  await storage.transact(async ({ messages, meta }) => {
    if ((await messages.forgetExpired(at)) === 0) return;
    await meta.put(vault.sealRow('meta', { name: FORGOTTEN }, encodeData({ at })));
  });
}

/**
 * The latest date that a message of before the restore of this database can have: clocks may be ahead by as much as is allowed.
 * Which of those were answered is not in a backup. 0: it was never restored. UnixSeconds.
 */
export async function lastDateOfBefore(
  storage: Storage,
  vault: Vault,
  clockSkewSeconds: number,
): Promise<number> {
  const restored = await restoredAt(storage, vault);
  return restored === 0 ? 0 : restored + clockSkewSeconds;
}

/** When this database was restored from a backup; 0: never. */
async function restoredAt(storage: Storage, vault: Vault): Promise<number> {
  const row = await storage.read(({ meta }) => meta.find(RESTORED));
  return row === null ? 0 : momentIn(vault.openRow('meta', row));
}

/** The backup that a database is being restored from. */
interface RestoredFrom {
  readonly id: Uint8Array;
  /** UnixSeconds. */
  readonly takenAt: number;
}

/**
 * Notes that a database was restored just now, and that no clock may be behind that. The backup is its last good one.
 * @param now as this machine's clock has it
 */
export async function noteRestored(
  { meta, audit }: Transaction,
  vault: Vault,
  now: number,
  { id, takenAt }: RestoredFrom,
): Promise<void> {
  for (const name of [RESTORED, FORGOTTEN])
    await meta.put(vault.sealRow('meta', { name }, encodeData({ at: now })));
  await meta.put(vault.sealRow('meta', { name: RESTORED_FROM }, id));
  await noteRestoredBackups({ meta, audit }, vault, takenAt);
}

/** From which backup a database was restored last; null: from none that this storage key has sealed. */
export async function restoredFrom(storage: Storage, vault: Vault): Promise<Uint8Array | null> {
  const row = await storage.read(({ meta }) => meta.find(RESTORED_FROM));
  return openIfWhole(vault, row);
}

/** Writes something, so that it is known when a database takes what is written again. @throws StorageError */
export async function probeStorage(storage: Storage, vault: Vault): Promise<void> {
  await storage.transact(({ meta }) => meta.put(vault.sealRow('meta', { name: PROBE }, Uint8Array.of(1))));
}

/**
 * Starts over with the clock as it is; for an operator who knows why it was ahead. A restore or a backup in the future was now, or before. Which
 * messages were answered was forgotten by the clock that was ahead: like after a restore, none from before is answered.
 */
export async function acceptClock(storage: Storage, vault: Vault, now: number): Promise<void> {
  const latest = [await restoredAt(storage, vault), await forgottenBefore(storage, vault)];
  const isAhead = latest.some((moment) => moment > now);
  await storage.transact(async ({ meta }) => {
    for (const name of isAhead ? [FORGOTTEN, RESTORED] : [FORGOTTEN])
      await meta.put(vault.sealRow('meta', { name }, encodeData({ at: now })));
    await capBackups({ meta }, vault, now);
  });
}

/** The last entry of the audit log; null: there is none that can be read. */
export async function lastEntryOf(storage: Storage, vault: Vault): Promise<AuditContent | null> {
  const [row] = await storage.read(async ({ audit }) => {
    const head = await audit.head();
    return head === null ? [] : audit.list(head.sequence, 1);
  });
  try {
    return row === undefined ? null : parseContent(vault.openRow('audit', row));
  } catch {
    // Whether the log is whole is for others to say.
    return null;
  }
}

/** A server that did not run for longer than this is one whose clock is looked at before it goes on. */
const LONGEST_REST_SECONDS = 366 * 86_400;

/**
 * @param lastEntry when the last entry of the audit log was made; null: there is none
 * @throws StorageError `CLOCK_BEHIND` when the clock is behind what this database has seen (V68); `CLOCK_AHEAD` when it is
 * years ahead of it: everything that waits would expire, and be forgotten
 */
export function assertClock(now: number, forgotten: number, lastEntry: number | null): void {
  if (now < forgotten) {
    throw new StorageError(`the clock of this machine is at least ${forgotten - now} s behind`, {
      code: 'CLOCK_BEHIND',
      hint: 'correct the clock; if it was wrong before, start once with CKM_ACCEPT_CLOCK=1',
    });
  }
  if (lastEntry === null || now - lastEntry <= LONGEST_REST_SECONDS) return;
  const days = Math.floor((now - lastEntry) / 86_400);
  throw new StorageError(
    `the clock of this machine is ${days} days ahead of the last entry of the audit log`,
    {
      code: 'CLOCK_AHEAD',
      hint: 'correct the clock; if this server really rested for so long, start once with CKM_ACCEPT_CLOCK=1',
    },
  );
}
