import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { BackupLog } from '../../sessions/changes/backups-in.js';
import type { Reader, Storage, Transaction } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';
import { momentIn, openIfWhole } from './read-mark.js';

const LAST_BACKUP = 'last backup';
const LAST_DRILL = 'last drill';
const BACKUPS = 'backups';

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

/** Of a database that was restored just now: the backup is its last good one. @param takenAt UnixSeconds */
export async function noteRestoredBackups(
  { meta, audit }: Pick<Transaction, 'meta' | 'audit'>,
  vault: Vault,
  takenAt: number,
): Promise<void> {
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

/** Where the clock starts over: no backup is of later than now. @param now UnixSeconds */
export async function capBackups(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  now: number,
): Promise<void> {
  const last = await lastBackupAt({ meta }, vault);
  if (last !== null && last > now) await noteBackup({ meta }, vault, now);
  const log = await backupLog({ meta }, vault);
  if (log === null) return;
  const begun = log.begun.map((one) => ({ ...one, at: Math.min(one.at, now) }));
  await putBackupLog({ meta }, vault, { ...log, begun });
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
