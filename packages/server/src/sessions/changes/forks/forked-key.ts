import { equalBytes } from '@ckm/foundation';
import { hashSettlement, parseChangeCertificate, parseKeyParams, type KeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import type { ChangeRow, Reader, Transaction } from '../../../storage/storage.js';
import { sealRecord } from '../../../vault/sealed-record.js';
import { keyForked } from '../../keys/over.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { type KeyMarks, marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import { putBack } from '../../keys/stored/read-key.js';
import type { Counter } from '../../waiting-time.js';
import { newestHere } from '../chain/acknowledged-epoch.js';
import { type ChangeRecord, isWaiting, NO_CHANGE, openChange, type Settling } from '../change-record.js';
import type { Deciding, DecidingScope, StoredHead } from '../deciding.js';
import { type Guarded, judgeOrder } from '../guards.js';
import { saidOfSettling } from './asked-people.js';

/** A key of which this server was shown several certificates of one epoch, or is about to be. */
export interface ForkedKey extends DecidingScope, StoredHead {
  readonly changeRow: ChangeRow | null;
  /** Of the change before that epoch. */
  readonly record: ChangeRecord;
  /** The newest epoch of which this server has the certificate. */
  readonly newest: number;
  readonly stricter: Deciding['stricter'];
  /** What people whom the terms name for a change have said of the order to settle; null: none is open, or they ask nobody. */
  readonly said: Deciding['said'];
}

/**
 * An earlier fork comes before a later one: what came of its dead certificate dies with it, whatever was forked there.
 * @param scope the epoch before the one of which there are several certificates
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED` where an earlier epoch is forked; StorageError `ROW_TAMPERED`
 */
export async function readForked(
  context: Pick<ServerContext, 'vault' | 'policy' | 'people'>,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
): Promise<ForkedKey> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const head = openHead(context, row);
  const { forked } = head;
  if (forked !== undefined && forked < epoch + 1) throw keyForked(forked);
  demand(head.certified !== null, 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  const changeRow = await reader.changes.find(owner, keyId, epoch);
  const isStopped = forked === epoch + 1;
  if (isStopped && (head.settling ?? 0) !== (changeRow?.version ?? 0)) throw putBack('changes');
  const stored = changeRow === null ? NO_CHANGE : openChange(context, changeRow);
  // Where the key is in use, no other row than the one that its head names waits: it would have to be ordered anew.
  const isNamed = isStopped || (head.awaits?.epoch === epoch && head.awaits.version === changeRow?.version);
  const record = isNamed ? stored : { ...stored, settling: null };
  const newest = newestHere(row, head);
  const said = await saidOfSettling(context, reader, { owner, keyId, epoch, head }, record.settling);
  return {
    owner,
    keyId,
    epoch,
    row,
    head,
    changeRow,
    record,
    newest,
    stricter: context.policy.weighty(head),
    said,
  };
}

/**
 * Whether this server goes on in spite of a second certificate: it uses an epoch behind the forked one, which it entered when a quorum of its servers had their
 * shares, and is in none of another branch; or its operator has said that it stays in the forked one. It stops nothing here then, until this server itself
 * votes on which counts.
 */
export function isOvertaken({ newest, epoch, head }: Pick<ForkedKey, 'newest' | 'epoch' | 'head'>): boolean {
  const isBehind = newest > epoch + 1 || (newest === epoch + 1 && head.stands === epoch + 1);
  return isBehind && head.forked !== epoch + 1;
}

/** Whether this server is in the forked epoch by one of its certificates, and answers nothing. */
export function isStoppedIn({ newest, epoch, head }: Pick<ForkedKey, 'newest' | 'epoch' | 'head'>): boolean {
  return head.forked === epoch + 1 && newest === epoch + 1 && head.left === undefined;
}

/** On which certificate of the forked epoch its servers settled, as far as this server knows by votes that it was shown; null: on none. */
export function settledName({
  record: { settled },
  head: { settledOn = [] },
  epoch,
}: ForkedKey): Uint8Array | null {
  return settled?.names[0] ?? settledOn.find((one) => one.epoch === epoch + 1)?.name ?? null;
}

/** Of so many forked epochs of a key this server remembers in its head which certificate counts, the newest. */
const MOST_SETTLED = 64;

/** What the head says then of what was settled. */
export function withSettled(
  { settledOn = [] }: Pick<KeyMarks, 'settledOn'>,
  epoch: number,
  name: Uint8Array,
): Required<Pick<KeyMarks, 'settledOn'>> {
  const others = settledOn.filter((one) => one.epoch !== epoch);
  const all = [...others, { epoch, name }].toSorted((a, b) => a.epoch - b.epoch);
  return { settledOn: all.slice(-MOST_SETTLED) };
}

/** The same at a server that went on by another certificate: what was settled behind that died with it. */
export function withSettledInstead(
  { settledOn = [] }: Pick<KeyMarks, 'settledOn'>,
  epoch: number,
  name: Uint8Array,
): Required<Pick<KeyMarks, 'settledOn'>> {
  return withSettled({ settledOn: settledOn.filter((one) => one.epoch < epoch) }, epoch, name);
}

/** Without what its operator said of epochs that were destroyed. */
export function withoutStand({ stands, ...marks }: KeyMarks, epoch: number): KeyMarks {
  return stands === undefined || stands > epoch ? marks : { ...marks, stands };
}

/** Whether the statements that are asked of this server are about which certificate of the next epoch counts. */
export async function isForkedAt(
  { keys }: Pick<Reader, 'keys'>,
  context: Pick<ServerContext, 'vault'>,
  { owner, keyId, epoch }: DecidingScope,
): Promise<boolean> {
  const row = await keys.find(owner, keyId);
  if (row === null) return false;
  const { forked, awaits } = openHead(context, row);
  return forked === epoch + 1 || awaits?.epoch === epoch;
}

/**
 * Stores what becomes of a fork, and binds the head of the key to it.
 * @param marks what its head says from then on; left out: it stops the key, unless that is overtaken and this server has not voted
 */
export async function writeForked(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  forked: ForkedKey,
  record: ChangeRecord,
  marks?: KeyMarks,
): Promise<void> {
  const { epoch, row, head } = forked;
  const version = await putForked(context, transaction, forked, record);
  const said = marks ?? marksWith(forked, record, version);
  const isOfHead = row.epoch === epoch && head.left === undefined;
  await noteMarks(context, transaction, row, isOfHead ? { ...said, change: version } : said);
}

function marksWith(forked: ForkedKey, { settling }: ChangeRecord, version: number): KeyMarks {
  const { epoch, head } = forked;
  const { awaits, ...marks } = marksOf(head);
  const isWaiting = isOvertaken(forked) && (settling?.member ?? null) === null;
  if (!isWaiting) return { ...marks, forked: epoch + 1, settling: version };
  if (settling !== null) return { ...marks, awaits: { epoch, version } };
  return awaits === undefined ? marks : { ...marks, awaits };
}

/** @returns the version of its row */
export async function putForked(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId, epoch, changeRow }: DecidingScope & Pick<ForkedKey, 'changeRow'>,
  record: ChangeRecord,
): Promise<number> {
  const version = (changeRow?.version ?? 0) + 1;
  const columns = { owner, keyId, epoch, waiting: isWaiting(record), version };
  await transaction.changes.put(sealRecord(context.vault, 'changes', columns, record));
  return version;
}

/**
 * What this server’s own conditions say of the order to settle: those of a change of who holds the key. Where it would destroy what is in use here its operator is
 * asked, whatever the rules of the key are.
 */
export function judgeSettling(counter: Counter, forked: ForkedKey): Guarded {
  const { head, record, said } = forked;
  const { settling } = record;
  const stricter = settling?.isShown === true ? { ...forked.stricter, asksOperator: true } : forked.stricter;
  const order = settling === null ? null : { ...settling, order: null, isWeighty: true };
  return judgeOrder(counter, { key: { head }, record, stricter, said }, order);
}

/** The order to settle that is here. @param hash of the order that is meant; left out: whichever. @throws StateError `CHANGE_UNKNOWN` */
export function settlingIn({ record }: Pick<ForkedKey, 'record'>, hash?: Uint8Array): Settling {
  const { settling } = record;
  if (settling === null || (hash !== undefined && !equalBytes(settling.hash, hash)))
    throw refusal('CHANGE_UNKNOWN', 'no such order is open here');
  return settling;
}

/** Whether this server is bound to that certificate by its own vote, in whichever try, and whichever order that was for: it says nothing else any more. */
export function isBoundTo({ member }: Pick<Settling, 'member'>, name: Uint8Array): boolean {
  const highest = member?.highest ?? null;
  return highest !== null && equalBytes(highest.next, name);
}

/** The epoch whose members settle, as this server has stored it once it was checked. */
export async function readSettlingEpoch(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  scope: DecidingScope,
  { certificates }: Pick<Settling, 'certificates'>,
): Promise<{ readonly params: KeyParams; readonly transcriptHash: Uint8Array }> {
  const { parameters } = await readPublicEpoch(context, reader, scope, scope.epoch);
  const { previous } = parseChangeCertificate(certificates[0]!).change.next;
  return { params: parseKeyParams(parameters), transcriptHash: previous };
}

/** What orders would be called under which each of the certificates is to count, in their order. */
export function namesOfOrders(
  { keyId, epoch }: DecidingScope,
  transcriptHash: Uint8Array,
  names: readonly Uint8Array[],
): readonly Uint8Array[] {
  const deciding = { keyId, epoch, transcriptHash };
  return names.map((name, i) =>
    hashSettlement(
      deciding,
      name,
      names.filter((_, at) => at !== i),
    ),
  );
}
