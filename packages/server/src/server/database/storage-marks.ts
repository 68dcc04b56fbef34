import { StorageError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import { type AuditContent, parseContent } from '../../audit/entry.js';
import type { BackupLog } from '../../sessions/changes/backups-in.js';
import { vaultError } from '../../vault/codes.js';
import type { MetaRow, Reader, Storage, Transaction } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';

const CHECK = 'storage key';
const FORGOTTEN = 'forgotten before';
const PROBE = 'last try to write';
const RESTORED = 'restored at';
const RESTORED_FROM = 'restored from';
const LAST_BACKUP = 'last backup';
const LAST_DRILL = 'last drill';
const BACKUPS = 'backups';

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
  await noteBackup({ meta }, vault, takenAt);
  const log = (await backupLog({ meta }, vault)) ?? NO_BACKUPS;
  const last = await lastEntry({ audit });
  await putBackupLog({ meta }, vault, {
    begun: allOver(log.begun, last),
    // Of those since the operator has not said that they are destroyed, however far ahead his clock was.
    destroyedBefore: Math.min(log.destroyedBefore, takenAt),
    // What was made between that backup and now is in no database any more.
    knownFrom: last + 1,
  });
}

/** From which backup a database was restored last; null: from none that this storage key has sealed. */
export async function restoredFrom(storage: Storage, vault: Vault): Promise<Uint8Array | null> {
  const row = await storage.read(({ meta }) => meta.find(RESTORED_FROM));
  return openIfWhole(vault, row);
}

/** Null: there is none, or it is not what this server stored. */
function openIfWhole(vault: Vault, row: MetaRow | null): Uint8Array | null {
  try {
    return row === null ? null : vault.openRow('meta', row);
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}

/** Notes when the last backup that was read back and found good was made. */
export async function noteBackup(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  takenAt: number,
): Promise<void> {
  await meta.put(vault.sealRow('meta', { name: LAST_BACKUP }, encodeData({ at: takenAt })));
}

/** When the last good backup was made; null: none is known, also where somebody has changed the note. UnixSeconds. */
export async function lastBackupAt({ meta }: Pick<Reader, 'meta'>, vault: Vault): Promise<number | null> {
  const plaintext = openIfWhole(vault, await meta.find(LAST_BACKUP));
  return plaintext === null ? null : momentIn(plaintext);
}

const NO_BACKUPS: BackupLog = { knownFrom: 0, begun: [], destroyedBefore: 0 };

/** So many backups are known by when they were begun; of what was before, nothing is. */
const MOST_BACKUPS = 4_096;

const storedLog = z.strictObject({
  knownFrom: z.int(),
  begun: z.array(z.strictObject({ at: z.int(), entry: z.int(), over: z.int().nullable() })).max(MOST_BACKUPS),
  destroyedBefore: z.int(),
});

/** The backups that hold shares; null: somebody has changed the note. A database of before they were counted knows of none before the next one. */
export async function backupLog({ meta }: Pick<Reader, 'meta'>, vault: Vault): Promise<BackupLog | null> {
  const row = await meta.find(BACKUPS);
  if (row === null) {
    const last = await lastBackupAt({ meta }, vault);
    return last === null ? NO_BACKUPS : { ...NO_BACKUPS, knownFrom: Number.MAX_SAFE_INTEGER };
  }
  const plaintext = openIfWhole(vault, row);
  if (plaintext === null) return null;
  const read = storedLog.safeParse(decodeData(plaintext));
  return read.success ? read.data : null;
}

/**
 * Notes that a backup with the keys of epochs is begun, behind the entry that says so: from now on there may be one, whatever becomes of it.
 * @param now as the clock has it
 * @returns what it is called when it is over
 */
export async function noteBegun(
  { meta, audit }: Pick<Transaction, 'meta' | 'audit'>,
  vault: Vault,
  now: number,
): Promise<number> {
  const entry = await lastEntry({ audit });
  const log = (await backupLog({ meta }, vault)) ?? { ...NO_BACKUPS, knownFrom: entry };
  // A clock that is behind would have what the operator says of earlier ones be said of it.
  const at = Math.max(now, ...log.begun.map((one) => one.at));
  const all = [...log.begun, { at, entry, over: null }];
  const dropped = all.slice(0, -MOST_BACKUPS);
  await putBackupLog({ meta }, vault, {
    begun: all.slice(-MOST_BACKUPS),
    // What the operator has said with a clock that was ahead, he has not said of this one.
    destroyedBefore: Math.min(log.destroyedBefore, at),
    knownFrom: Math.max(Math.min(log.knownFrom, entry), ...dropped.map(({ over }) => over ?? entry)),
  });
  return entry;
}

/** Notes that nothing more is read for a backup: no share that comes later is in it. @param entry as {@link noteBegun} called it */
export async function noteOver(
  { meta, audit }: Pick<Transaction, 'meta' | 'audit'>,
  vault: Vault,
  entry: number,
): Promise<void> {
  const log = await backupLog({ meta }, vault);
  if (log === null) return;
  const over = await lastEntry({ audit });
  const begun = log.begun.map((one) => (one.entry === entry && one.over === null ? { ...one, over } : one));
  await putBackupLog({ meta }, vault, { ...log, begun });
}

/** Whatever process was making one has ended: of a database that no other one uses. */
export async function noteAllOver(storage: Storage, vault: Vault): Promise<void> {
  await storage.transact(async ({ meta, audit }) => {
    const log = await backupLog({ meta }, vault);
    if (log === null || log.begun.every(({ over }) => over !== null)) return;
    await putBackupLog({ meta }, vault, { ...log, begun: allOver(log.begun, await lastEntry({ audit })) });
  });
}

/** The database is an older one: what was backed up since is not in it. */
export async function noteBackupsUnknown(
  { meta, audit }: Pick<Transaction, 'meta' | 'audit'>,
  vault: Vault,
): Promise<void> {
  const log = (await backupLog({ meta }, vault)) ?? NO_BACKUPS;
  await putBackupLog({ meta }, vault, { ...log, knownFrom: (await lastEntry({ audit })) + 1 });
}

function allOver(begun: BackupLog['begun'], last: number): BackupLog['begun'] {
  return begun.map((one) => ({ ...one, over: one.over ?? last }));
}

/** The number of the last entry of the audit log; 0: there is none. */
async function lastEntry({ audit }: Pick<Reader, 'audit'>): Promise<number> {
  return (await audit.head())?.sequence ?? 0;
}

/** Notes what the operator has said: that all backups begun before are destroyed. An earlier moment takes nothing back. */
export async function noteDestroyed(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  before: number,
): Promise<void> {
  const log = (await backupLog({ meta }, vault)) ?? { ...NO_BACKUPS, knownFrom: Number.MAX_SAFE_INTEGER };
  await putBackupLog({ meta }, vault, { ...log, destroyedBefore: Math.max(log.destroyedBefore, before) });
}

async function putBackupLog(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  { knownFrom, begun, destroyedBefore }: BackupLog,
): Promise<void> {
  const log = encodeData({ knownFrom, begun: begun.map((one) => ({ ...one })), destroyedBefore });
  await meta.put(vault.sealRow('meta', { name: BACKUPS }, log));
}

/** Notes when a backup was compared with the certified shares. */
export async function noteDrill(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  at: number,
): Promise<void> {
  await meta.put(vault.sealRow('meta', { name: LAST_DRILL }, encodeData({ at })));
}

/** When a backup was last compared with the certified shares; null: none is known. UnixSeconds. */
export async function lastDrillAt({ meta }: Pick<Reader, 'meta'>, vault: Vault): Promise<number | null> {
  const plaintext = openIfWhole(vault, await meta.find(LAST_DRILL));
  return plaintext === null ? null : momentIn(plaintext);
}

/**
 * A backup that was made while the clock of this machine was ahead was made before now: else nobody would be told, for as long
 * as it was ahead, that there are no more of them.
 * @param now UnixSeconds as the clock has them now, also where it went back
 */
export async function capLastBackup(storage: Storage, vault: Vault, now: number): Promise<void> {
  const last = await storage.read((reader) => lastBackupAt(reader, vault));
  if (last !== null && last > now)
    await storage.transact((transaction) => noteBackup(transaction, vault, now));
}

function momentIn(plaintext: Uint8Array): number {
  return z.strictObject({ at: z.int() }).parse(decodeData(plaintext)).at;
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
    const last = await lastBackupAt({ meta }, vault);
    if (last !== null && last > now) await noteBackup({ meta }, vault, now);
    const log = await backupLog({ meta }, vault);
    if (log === null) return;
    const begun = log.begun.map((one) => ({ ...one, at: Math.min(one.at, now) }));
    await putBackupLog({ meta }, vault, { ...log, begun });
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
