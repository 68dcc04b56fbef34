import type { ServerContext } from '../../../context.js';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { KeyRow, Transaction } from '../../../storage/storage.js';
import type { KeyName } from '../../../vault/head-counts.js';
import { countingAnew } from '../../keys/counts/count-anew.js';
import { countsAsked, goesByOthers } from '../../keys/counts/others-counts.js';
import { headWentBack, isBehind } from '../../keys/head-memory.js';
import { type KeyHead, type KeyMarks, marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks, withMarks } from '../../keys/stored/note-marks.js';

const PAGE = 100;
const DRAWN_BYTES = 32;

/**
 * The head of a key as it is restored from a backup: this server may have said in its epoch what it does not know of. What it did
 * say of a change is in no backup.
 */
export function withoutVotes(
  { vault, random, clock }: Pick<ServerContext, 'vault' | 'random' | 'clock'>,
  row: KeyRow,
): KeyRow {
  const head = openHead({ vault }, row);
  const {
    change: _change,
    settling: _settling,
    awaits: _awaits,
    decided: _decided,
    nextTerms: _next,
    ...marks
  } = marksOf(head);
  return withMarks({ vault }, row, { ...marks, ...unsure({ random, clock }, row, head) });
}

/** Of every key, where the database is found to be older than this server has seen it. */
export async function forgetVotes(context: ServerContext): Promise<void> {
  for (let after: KeyRow | null = null; ;) {
    const last: KeyRow | null = after;
    const rows: readonly KeyRow[] = await context.storage.read(({ keys }) => keys.listAll(last, PAGE));
    for (const row of rows) {
      await passIfTampered(context.events.storageFailed, () => forgetOne(context, row));
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function forgetOne(context: ServerContext, { owner, keyId }: KeyName): Promise<void> {
  await context.storage.transact(async (transaction) => {
    const row = await transaction.keys.hold(owner, keyId);
    if (row !== null) await forgetAllOf(context, transaction, row);
  });
}

/**
 * Of one key whose rows are older than what this server said: it may also have helped whom it does not know of, and its epoch may be over.
 * @param row as it is held
 * @returns its next version
 */
function forgetAllOf(
  context: Pick<ServerContext, 'vault' | 'epochKeys' | 'random' | 'clock'>,
  transaction: Transaction,
  row: KeyRow,
): Promise<KeyRow> {
  const head = openHead(context, row);
  // What waited may have been stopped since.
  const { nextTerms: _next, ...marks } = marksOf(head);
  return noteMarks(context, transaction, row, {
    ...marks,
    ...notedOf(context, row, head),
    ...unsure(context, row, head),
  });
}

/**
 * Looks, before anything is said of a key, whether its rows are older than what was said of it before.
 * @returns how often its head had been written when something last left, as it was noted; 0: nothing has, or the key is not here
 * @throws StorageError `FILE_…`
 */
export async function recallHead(context: ServerContext, { owner, keyId }: KeyName): Promise<number> {
  const stored = await context.storage.read(({ keys }) => keys.find(owner, keyId));
  if (stored === null) return 0;
  const noted = context.epochKeys.counts.read({ owner, keyId }).count;
  if ((openHead(context, stored).count ?? 0) >= noted) return noted;
  // Another message, or another replica, may have written it, and noted that, since it was read.
  await context.storage.transact((transaction) => holdRecalled(context, transaction, { owner, keyId }));
  return noted;
}

/**
 * Holds a key, and looks whether its row is older than what was said: wherever its head is written without a vote, as by a freeze, which whoever has the owner’s
 * client may repeat, or by a delay that is counted on. Each writing counts, and enough of them would hide it.
 * @returns its row to go on from; null: the key is not here
 * @throws StorageError `FILE_…`
 */
export async function holdRecalled(
  context: Pick<ServerContext, 'vault' | 'epochKeys' | 'random' | 'clock' | 'events'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
): Promise<KeyRow | null> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null || !isBehind(context, row, openHead(context, row))) return row;
  transaction.whenCommitted(() => context.events.storageFailed(headWentBack()));
  return forgetAllOf(context, transaction, row);
}

/** Its operator says that a key is used here again though others have not said that its epoch is the newest, or how often it was used: what is here counts. @returns whether it was not used */
export async function releaseHead(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: KeyName,
): Promise<boolean> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) return false;
  const head = openHead(context, row);
  const wentBack = isBehind(context, row, head);
  const isAsking =
    head.asks !== undefined || (await countsAsked(context, transaction, { row, head })) !== null;
  if (!wentBack && !isAsking) return false;
  const { nextTerms, ...said } = marksOf(head);
  const known = wentBack || nextTerms === undefined ? said : { ...said, nextTerms };
  const { asks: _asks, ...marks } = { ...known, ...(wentBack ? unsure(context, row, head) : {}) };
  const { counting } = marks;
  await noteMarks(context, transaction, row, {
    ...marks,
    ...notedOf(context, row, head),
    ...(counting === undefined ? {} : { counting: { ...counting, isReleased: true } }),
  });
  return true;
}

/**
 * Its operator says that what others have told of a key is not so: it goes by what is counted here. Apart from {@link releaseHead}, since whoever
 * looked at a machine whose share was wrong has said nothing of that.
 * @returns whether it went by what others say
 */
export async function releaseCount(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: KeyName,
): Promise<boolean> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) return false;
  const head = openHead(context, row);
  if (!(await goesByOthers(context, transaction, { row, head }))) return false;
  const counting = { ...head.counting!, isReleased: true };
  await noteMarks(context, transaction, row, { ...marksOf(head), counting });
  return true;
}

/** What is noted of a head outside of the database, which its row may not say any more. */
function notedOf(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  row: KeyName,
  head: KeyHead,
): Pick<KeyMarks, 'count' | 'exportedAt'> {
  const noted = epochKeys.counts.read(row);
  const exportedAt = head.exportedAt ?? noted.exportedAt;
  const count = Math.max(head.count ?? 0, noted.count);
  return exportedAt === null ? { count } : { count, exportedAt };
}

/** What is not known of a key that came back from an older state. */
function unsure(
  { random, clock }: Pick<ServerContext, 'random' | 'clock'>,
  { epoch }: Pick<KeyRow, 'epoch'>,
  head: KeyHead,
): Pick<KeyMarks, 'forgot' | 'asks' | 'helped' | 'counting'> {
  const slots = Array.from({ length: head.quorum.of }, (_, i) => i + 1);
  const asks = random(DRAWN_BYTES);
  const counting = countingAnew({ random, clock }, head, { nonce: asks });
  return { forgot: random(DRAWN_BYTES), asks, helped: { epoch, slots }, ...counting };
}

/** Of one key, because what this server remembers of it may be old: what is stored of its votes is of another mark from now on. */
export async function forgetVotesOf(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
): Promise<void> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) return;
  const marks = { ...marksOf(openHead(context, row)), forgot: context.random(DRAWN_BYTES) };
  await noteMarks(context, transaction, row, marks);
}
