import { compareBytes, equalBytes } from '@ckm/foundation';
import type { AuditHeadRow, KeyRow, Reader, Rows, Storage } from '../storage/storage.js';
import type { EpochScope } from '../vault/epoch-key-name.js';
import type { BackedUp, BackupFile, BackupRecord } from './records.js';

/** What a walk reads from. */
export interface WalkedStorage {
  readonly storage: Storage;
  /** The sealed key of an epoch as a file; null where there is none, or where it is to be left out. */
  epochKeyFile(scope: EpochScope): BackupFile | null;
  /** Called after each slice, with what it took: others get their turn meanwhile. */
  rest(tookMs: number): Promise<void>;
}

/** Rows of one slice: none holds up others for longer than some milliseconds. */
const SLICE = { keys: 16, others: 50 } as const;
/** Behind every epoch of a key. */
const NO_EPOCH = 4_294_967_296;

/**
 * All rows of a backup, slice by slice, each slice as of one moment; others write in between. What refers to a row is read
 * before it, so that nothing refers to a row that came too late to be read; a key is read with its epochs, shares, tightening and
 * epoch keys, which have to fit each other; and the audit log comes last, so that it tells of everything that was read.
 * @returns the head of the log, as of the moment of its last row
 */
export async function* walkStorage(walked: WalkedStorage): AsyncGenerator<BackupRecord, AuditHeadRow | null> {
  yield* walkTable(walked, 'requests');
  yield* walkKeys(walked);
  yield* walkTable(walked, 'devices');
  yield* walkTable(walked, 'young_devices');
  yield* walkTable(walked, 'deposits');
  yield* walkTable(walked, 'key_devices');
  yield* walkTable(walked, 'proven_devices');
  yield* walkTable(walked, 'contacts');
  yield* walkTable(walked, 'life');
  yield* walkTable(walked, 'accounts');
  yield* walkTable(walked, 'invites');
  yield* walkTable(walked, 'meta');
  return yield* walkAudit(walked);
}

async function* walkTable<T extends BackedUp>(
  { storage, rest }: WalkedStorage,
  table: T,
): AsyncGenerator<BackupRecord, void> {
  for (let after: Rows[T] | null = null; ;) {
    const last: Rows[T] | null = after;
    const slice = await timed(storage, ({ sealed }) => sealed.page(table, last, SLICE.others));
    const rows: readonly Rows[T][] = slice.found;
    if (rows.length > 0) yield { kind: 'rows', table, rows };
    if (rows.length < SLICE.others) return;
    after = rows.at(-1)!;
    await rest(slice.tookMs);
  }
}

async function* walkKeys(walked: WalkedStorage): AsyncGenerator<BackupRecord, void> {
  for (let after: KeyRow | null = null; ;) {
    const last: KeyRow | null = after;
    const slice: Timed<KeySlice> = await timed(walked.storage, (reader) => readKeys(walked, reader, last));
    const { found, tookMs } = slice;
    for (const record of found.records) yield record;
    if (found.last === null) return;
    after = found.last;
    await walked.rest(tookMs);
  }
}

interface KeySlice {
  readonly records: readonly BackupRecord[];
  /** Behind which to go on; null at the end. */
  readonly last: KeyRow | null;
}

/** Some keys with all that belongs to them. */
async function readKeys(
  { epochKeyFile }: WalkedStorage,
  reader: Reader,
  after: KeyRow | null,
): Promise<KeySlice> {
  const keys = await reader.sealed.page('keys', after, SLICE.keys);
  const last = keys.at(-1);
  if (last === undefined) return { records: [], last: null };
  const behind = after === null ? null : { ...after, epoch: NO_EPOCH, number: NO_EPOCH, twice: true };
  const shares = await upTo(reader, 'shares', behind, last);
  const records: BackupRecord[] = [
    { kind: 'rows', table: 'keys', rows: keys },
    { kind: 'rows', table: 'key_epochs', rows: await upTo(reader, 'key_epochs', behind, last) },
    { kind: 'rows', table: 'shares', rows: shares },
    { kind: 'rows', table: 'tightenings', rows: await upTo(reader, 'tightenings', behind, last) },
    { kind: 'rows', table: 'terms', rows: await upTo(reader, 'terms', behind, last) },
    // Inside this reading: nobody ends an epoch, and destroys its key, meanwhile.
    { kind: 'files', files: shares.map(epochKeyFile).filter((file) => file !== null) },
  ];
  const filled = records.filter((record) => ('rows' in record ? record.rows : files(record)).length > 0);
  return { records: filled, last: keys.length < SLICE.keys ? null : last };
}

function files(record: BackupRecord): readonly BackupFile[] {
  return record.kind === 'files' ? record.files : [];
}

/** Rows of keys behind one key, up to another. */
async function upTo<T extends 'key_epochs' | 'shares' | 'tightenings' | 'terms'>(
  reader: Reader,
  table: T,
  behind: object | null,
  last: KeyRow,
): Promise<readonly Rows[T][]> {
  const found: Rows[T][] = [];
  for (let after = behind as Rows[T] | null; ;) {
    // One more than there are as a rule: the row behind the last key says that there are no others.
    const most = SLICE.keys + 1;
    const page: readonly Rows[T][] = await reader.sealed.page(table, after, most);
    found.push(...page.filter((row) => !isBehind(row, last)));
    const end = page.at(-1);
    if (end === undefined || page.length < most || isBehind(end, last)) return found;
    after = end;
  }
}

function isBehind(row: Pick<KeyRow, 'owner' | 'keyId'>, last: KeyRow): boolean {
  if (!equalBytes(row.owner, last.owner)) return compareBytes(row.owner, last.owner) > 0;
  return compareBytes(row.keyId, last.keyId) > 0;
}

async function* walkAudit({
  storage,
  rest,
}: WalkedStorage): AsyncGenerator<BackupRecord, AuditHeadRow | null> {
  for (let next = 1; ;) {
    const from = next;
    const { found, tookMs } = await timed(
      storage,
      async ({ audit }) => [await audit.list(from, SLICE.others), await audit.head()] as const,
    );
    const [rows, head] = found;
    if (rows.length > 0) yield { kind: 'rows', table: 'audit', rows };
    next += rows.length;
    if (head === null || next > head.sequence || rows.length === 0) return head;
    await rest(tookMs);
  }
}

/**
 * What a reading found, and what it took of a processor: neither what it waited for its turn, nor for others on the machine, which
 * would make a backup there take the longer the less of it there is.
 */
interface Timed<T> {
  readonly found: T;
  readonly tookMs: number;
}

function timed<T>(storage: Storage, work: (reader: Reader) => Promise<T>): Promise<Timed<T>> {
  return storage.read(async (reader) => {
    const before = process.cpuUsage();
    const found = await work(reader);
    const { user, system } = process.cpuUsage(before);
    return { found, tookMs: (user + system) / 1_000 };
  });
}
