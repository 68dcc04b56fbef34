import { identityCard } from '@ckm/api';
import { z } from 'zod';
import { hexText, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

export const operatorStatus = z.object({
  name: z.string(),
  version: z.string(),
  phase: z.enum(['sealed', 'opening', 'ready', 'stopping']),
  url: z.string(),
  startedAt: unixSeconds,
  memoryBytes: wholeNumber,
  /** Of `config.json` since the start: settings that would be others after a restart, or why that would be refused. */
  settings: z.object({ changed: z.array(z.string()), fault: z.string().nullable() }),
  /** What computes with the keys of each suite. */
  arithmetic: z.array(
    z.object({ suite: z.string(), backend: z.string(), grade: z.enum(['native', 'wasm', 'bigint']) }),
  ),
  /** Null while the server is sealed. */
  open: z
    .object({
      storage: z.enum(['sqlite', 'postgres']),
      /** Which SQLite it is, the one that CKM brings or that of Node itself; null: it is none. */
      sqlite: z.object({ library: z.enum(['better-sqlite3', 'node']), version: z.string() }).nullable(),
      waitingRequests: wholeNumber,
      waitingSessions: wholeNumber,
      auditEntries: wholeNumber,
      auditHead: hexText,
      identity: identityCard,
      /** Number of the storage key in use. */
      storageKey: wholeNumber,
      /** Whether something is still sealed under the one before it. */
      isKeyChanging: z.boolean(),
      /** By how many seconds the clock of the machine has jumped since the start; negative: back. */
      clockJump: z.int(),
      /** Shares whose epoch key this process does not find: it does not sign with those keys. */
      epochKeysMissing: wholeNumber,
      /** Keys with which a wrong share was computed here: they answer nothing until the operator releases them. */
      keysStopped: wholeNumber,
      /** When the last backup was made that was read back and found good; null: none is known. */
      lastBackupAt: unixSeconds.nullable(),
      /** Backups with the keys of epochs that the operator has not said to be destroyed; null: not known. */
      backupsLeft: wholeNumber.nullable(),
      /** When a backup was last compared with the certified shares; null: none is known. */
      lastDrillAt: unixSeconds.nullable(),
    })
    .nullable(),
});
/** `storageKey`: number of the one that is in use now. */
export const rotateKeyResult = z.object({ storageKey: wholeNumber });

/** Of a backup that was read back and found good: its id, and when it was made. */
export const keepBackupParameters = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  takenAt: unixSeconds,
});

/** All backups that were begun before are destroyed. */
export const destroyedBackupsParameters = z.strictObject({ before: unixSeconds });

export type OperatorStatus = Immutable<z.output<typeof operatorStatus>>;
