import { createTermsJudge, type KeyTerms, versionOf } from '@ckm/api';
import type { ServerContext, StoredTightening } from '../../../context.js';
import type { KeyRow, Transaction } from '../../../storage/storage.js';
import {
  helpedSlots,
  type KeyHead,
  type KeyMarks,
  marksOf,
  openHead,
  partsOf,
  sealHead,
} from './key-head.js';

/** The next version of a head, which says something else besides. @returns its row */
export async function noteMarks(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  marks: KeyMarks,
): Promise<KeyRow> {
  const row = withMarks(context, before, marks);
  await transaction.keys.update(row);
  return row;
}

/** The row of {@link noteMarks}, which is not stored. */
export function withMarks(context: Pick<ServerContext, 'vault'>, before: KeyRow, marks: KeyMarks): KeyRow {
  const known = openHead(context, before);
  return sealHead(context, known, { ...partsOf(known).ofEpoch, ...marks }, nextVersion(before));
}

/** The head of a key from which on other terms are in force. @returns its row */
export async function noteTermsInForce(
  context: Pick<ServerContext, 'vault' | 'clock'>,
  transaction: Transaction,
  before: KeyRow,
  policy: KeyTerms,
): Promise<KeyRow> {
  const known = openHead(context, before);
  const { nextTerms: _next, ...head } = known;
  const certifiedTerms = known.certifiedTerms ?? versionOf(known.policy);
  const begun = isSummed(policy) && !isSummed(known.policy) ? { summing: context.clock() } : {};
  const row = sealHead(context, known, { ...head, policy, certifiedTerms, ...begun }, nextVersion(before));
  await transaction.keys.update(row);
  return row;
}

function isSummed(policy: KeyTerms): boolean {
  return createTermsJudge(policy).totals.length > 0;
}

/** The head of a key after its tightening was stored. */
export async function noteTightened(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  stored: StoredTightening,
): Promise<void> {
  const { stoppedAt: _stopped, frozen: _frozen, ...marks } = marksOf(openHead(context, before));
  await noteMarks(context, transaction, before, { ...marks, ...tightenedPart(stored) });
}

function tightenedPart({
  version: tightened,
  stoppedAt,
  weighty,
  frozen,
}: StoredTightening): Pick<KeyMarks, 'tightened' | 'stoppedAt' | 'weighty' | 'frozen'> {
  return {
    tightened,
    weighty: { ...weighty },
    ...(stoppedAt === null ? {} : { stoppedAt }),
    ...(frozen === null ? {} : { frozen: { ...frozen } }),
  };
}

/** The head of a key after this server has helped one more slot in its epoch. */
export async function noteHelped(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  slot: number,
): Promise<void> {
  const known = openHead(context, before);
  const { epoch } = before;
  const helped = { epoch, slots: [...helpedSlots(known, epoch), slot] };
  await noteMarks(context, transaction, before, { ...marksOf(known), helped });
}

/** What a head says of an epoch that is over, to which this server goes back. */
export type FormerEpoch = Pick<KeyHead, 'quorum' | 'slot' | 'certified' | 'material'> & {
  readonly epoch: number;
};

/** The next version of a head, of an earlier epoch. Rows of later ones are the caller’s matter. */
export async function rewindHead(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  before: KeyRow,
  { epoch, ...former }: FormerEpoch,
  marks: KeyMarks,
): Promise<void> {
  const known = openHead(context, before);
  const { suite, purpose, policy } = known;
  const head: KeyHead = { suite, purpose, policy, sessionId: null, ...former, ...marks };
  await transaction.keys.update(sealHead(context, known, head, { ...nextVersion(before), epoch }));
}

function nextVersion({ sealed: _sealed, ...columns }: KeyRow): Omit<KeyRow, 'sealed'> {
  return { ...columns, version: columns.version + 1 };
}
