import { BugError } from '@ckm/foundation';
import { type Data, decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import { COLUMNS } from '../storage/database.js';
import type { Rows, TableName } from '../storage/storage.js';
import { changed } from './codes.js';
import { MAX_CONTENT_BYTES } from './frames.js';

/**
 * The tables a backup holds, in the order in which they can be written: what refers to a row comes behind it. Sessions, their
 * packets and evidence are left out, because a ceremony does not survive a restore; attempts, because the shares in them were
 * given out; messages seen, because the restore refuses whatever was sent before it; what goes out
 * to people, which has gone out or is old news; what people are asked and have said, who may have said something else since; what was summed of a key, which others tell or a window
 * passes over; recoveries and what was
 * tried of them, which begin anew; what a server was shown of keys that it joins,
 * because it is shown that again.
 */
export const BACKED_UP = [
  'meta',
  'accounts',
  'devices',
  'young_devices',
  'deposits',
  'key_devices',
  'proven_devices',
  'contacts',
  'life',
  'invites',
  'keys',
  'key_epochs',
  'shares',
  'tightenings',
  'terms',
  'requests',
  'audit',
] as const satisfies readonly TableName[];
export type BackedUp = (typeof BACKED_UP)[number];

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const whole = z.int().min(0);

const manifest = z.strictObject({
  /** Of this backup: 16 bytes, as the audit log names it. */
  id: bytes,
  /** What the server calls itself. */
  name: z.string(),
  /** UnixSeconds. */
  takenAt: whole,
  /** The entry of the audit log that stands for its beginning: whatever came before is in it. */
  from: whole,
  /** Whether the storage key lay under a passphrase. */
  isSealed: z.boolean(),
  /** Whether the keys of epochs are in it; without them its shares never open. */
  hasEpochKeys: z.boolean(),
  /** How the database was not the one that its server had seen last, in words; null: it was, or the server was running. */
  wentBack: z.string().nullable(),
});
export type BackupManifest = z.infer<typeof manifest>;

const end = z.strictObject({
  /** The head of the audit log: sequence, hash, seal. */
  log: z.strictObject({ sequence: z.int().min(1), hash: bytes, sealed: bytes }),
  /** Rows of each table. */
  rows: z.record(z.string(), whole),
  /** Files of epoch keys that were not as they should be: how many, and some of them with what was wrong, as a code. */
  keyFaults: z.strictObject({
    count: whole,
    some: z.array(z.strictObject({ name: z.string(), code: z.string() })),
  }),
});
export type KeyFaults = BackupEnd['keyFaults'];
export type BackupEnd = z.infer<typeof end>;

/** A file of the data directory as it lies there: the identity, `config.json`, keys of epochs. */
export type BackupFile = z.infer<typeof file>;
export const IDENTITY = 'identity';
export const CONFIG = 'config.json';
export const EPOCH_KEY = /^epoch-keys\/[0-9a-f]{64}$/;
const file = z.strictObject({
  name: z.string().refine((name) => name === IDENTITY || name === CONFIG || EPOCH_KEY.test(name)),
  content: bytes,
});

/** What one frame holds. */
export type BackupRecord =
  | { readonly kind: 'manifest'; readonly manifest: BackupManifest }
  | { readonly kind: 'files'; readonly files: readonly BackupFile[] }
  | { readonly kind: 'rows'; readonly table: BackedUp; readonly rows: readonly Rows[BackedUp][] }
  | { readonly kind: 'end'; readonly end: BackupEnd };

const record = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('manifest'), manifest }),
  z.strictObject({ kind: z.literal('files'), files: z.array(file) }),
  z.strictObject({ kind: z.literal('rows'), table: z.enum(BACKED_UP), rows: z.array(z.array(z.unknown())) }),
  z.strictObject({ kind: z.literal('end'), end }),
]);

export function encodeRecord(given: BackupRecord): Uint8Array {
  if (given.kind !== 'rows') return encodeData(given);
  const { kind, table, rows } = given;
  return encodeData({ kind, table, rows: rows.map((row) => valuesOf(table, row)) });
}

/**
 * A record in as many pieces as it takes for none to be longer than that: rows may hold megabytes each.
 * @throws BugError `BACKUP_ROW_TOO_LONG`: what a table holds is bounded far below
 */
export function encodeRecords(given: BackupRecord, mostBytes: number): readonly Uint8Array[] {
  const encoded = encodeRecord(given);
  if (encoded.length <= mostBytes) return [encoded];
  const halves = halvesOf(given);
  if (halves === null) {
    throw new BugError('a row or a file is longer than a backup can hold', {
      code: 'BACKUP_ROW_TOO_LONG',
      hint: 'report this: a row was stored that is longer than any may be',
    });
  }
  return halves.flatMap((half) => encodeRecords(half, mostBytes));
}

/** Null: there is nothing to part. */
function halvesOf(given: BackupRecord): readonly BackupRecord[] | null {
  if (given.kind === 'rows' && given.rows.length > 1)
    return inHalves(given.rows).map((rows) => ({ ...given, rows }));
  if (given.kind === 'files' && given.files.length > 1)
    return inHalves(given.files).map((files) => ({ ...given, files }));
  return null;
}

function inHalves<T>(items: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

/** @throws EncodingError `BACKUP_CHANGED`: whoever wrote it had the key, and another version of this format */
export function parseRecord(plaintext: Uint8Array): BackupRecord {
  const parsed = record.safeParse(decodeOrNull(plaintext));
  if (!parsed.success) throw changed('a part of it has another form');
  const { data } = parsed;
  if (data.kind !== 'rows') return data;
  const { kind, table } = data;
  return { kind, table, rows: data.rows.map((values) => rowOf(table, values)) };
}

function decodeOrNull(plaintext: Uint8Array): Data {
  try {
    return decodeData(plaintext, { maxBytes: MAX_CONTENT_BYTES, maxDepth: 6 });
  } catch {
    return null;
  }
}

function valuesOf(table: BackedUp, row: Rows[BackedUp]): Data[] {
  const values = row as unknown as Readonly<Record<string, Data>>;
  return COLUMNS[table].map((column) => values[column]!);
}

function rowOf(table: BackedUp, values: readonly unknown[]): Rows[BackedUp] {
  const columns: readonly string[] = COLUMNS[table];
  if (values.length !== columns.length) throw changed(`a row of ${table} has other columns`);
  return Object.fromEntries(columns.map((column, at) => [column, values[at]])) as unknown as Rows[BackedUp];
}
