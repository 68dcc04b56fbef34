import {
  assertAllowed,
  assertChangeOfTerms,
  deviceTooYoung,
  encodeTerms,
  isSettling,
  type KeyTerms,
  type Parameters,
  parseTermsChange,
  type Result,
  termsChangeDigest,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import { demand, refusal } from '../refusals.js';
import { assertHeadKnown } from '../sessions/keys/head-memory.js';
import type { KeyHead } from '../sessions/keys/stored/key-head.js';
import { countedBy, waitFrom } from '../sessions/waiting-time.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';
import { askAbout, endAsking, votesAbout } from './asked-people.js';
import { assertUsable, type Brought, MOST_AHEAD_AT_ONCE, readBrought, wrongVersion } from './brought.js';
import { assertMovable } from './fixed-parts.js';
import { holdKey, type KeyWithTerms } from './held-key.js';
import { type ChangeVerdict, isSameContent, judgeChange, judgeWaiting, longestWait } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { noteChange, proposerOf } from './note-change.js';
import { findPast, formerTerms, isTightened, type PastTerms } from './past-chain.js';
import { FRAMING_BYTES, type Taken, takePast } from './past-terms.js';
import { countKept, isAgreed, pollingOf, type RefusedVote, type Step, takeVotes } from './poll.js';
import { afterNo, endOf, LAIN_TOO_LONG } from './judge-stored.js';
import { rightNow } from './right-now.js';
import { standingOf } from './standing.js';
import {
  countAlone,
  type DeadChange,
  deadAt,
  latelyAt,
  putInForce,
  readNext,
  type StoredTerms,
  type Waits,
  writeNext,
} from './stored-terms.js';

/** What comparing terms may cost, and looking at what no request fits. Milliseconds of one core. */
export const COMPARING_MS = 80;
/** How many numbers a device’s change may leave out at all: what takes others back may leave out a hundred times that many, by the words. */
const MOST_AHEAD_BY_DEVICES = 10_000;
/** Changes to one number that are over and remembered, within as long as a vote may count. */
const MOST_DEAD = 64;

/**
 * Answers `terms.propose`: what is provably tighter is in force at once, all else waits for those whom the terms in force ask, and for its time.
 * @throws EncodingError `TERMS_…`; AccessError `KEY_UNKNOWN`; UsageError `TERMS_SAME`; StateError `DEVICE_TOO_YOUNG`, `TERMS_CHANGE_OVER`, `TERMS_TWICE`,
 * `TERMS_TOO_MANY`, `KEY_NOT_CERTIFIED`, `KEY_LEFT`, `KEY_FORKED`, `KEY_HEAD_UNKNOWN`; PolicyError `TERMS_PART_FIXED`, `QUOTA_…`, or as `acceptKey`
 */
export async function proposeTerms(
  means: TermsMeans,
  call: Call,
  { keyId, ...link }: Parameters<'terms.propose'>,
): Promise<Result<'terms.propose'>> {
  means.charge(call.account, COMPARING_MS);
  const brought = readBrought(link);
  const { standing, refused, error } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await holdKey(means.context, transaction, { owner: call.account.xid, keyId });
      assertHeadKnown(means.context, key.row, key.head);
      return takeChange(means, call, transaction, key, brought, 'proposed');
    }),
  );
  if (error !== null) throw error;
  return { ...standing, refused: [...refused] };
}

/** Whether whoever brings a change proposes it, or says that others have it: then he speaks for nothing himself. */
type BroughtAs = 'proposed' | 'missed';

/** Judges a change that was brought, and stores what becomes of it. */
export async function takeChange(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  brought: Brought,
  as: BroughtAs,
): Promise<Taken> {
  const { head, row } = key;
  if (brought.change.version <= versionOf(head.policy))
    return takePast(means, call, transaction, key, brought);
  const byWords = as === 'proposed' && call.by.may === null;
  // Whoever only hands a change on is not who proposed it.
  const isOfDevice = as === 'proposed' && !byWords;
  const proposer = { byWords, ...(isOfDevice ? { by: call.by.id } : {}) };
  const weighed = await weigh(means, proposer, transaction, key, brought);
  await assertMayBring(means, call, transaction, key, weighed, as);
  const former = await formerTerms(means.context, transaction, key);
  const judged = verdictOf(means, head, weighed, former);
  const verdict = await rightNow(means, transaction, key, weighed.waits, judged);
  const isTighter = verdict.verdict === 'inForce' && verdict.way === 'tighter';
  if (!isTighter) assertTakesBack(weighed);
  // What is tighter is in force at once, whoever has frozen the account; nothing else begins in it.
  if (as === 'proposed' && !isTighter) await means.context.accounts.assertGoesOn(transaction, row.owner);
  const lately = await latelyWith(means, call, transaction, key, weighed, verdict);
  const { known, step, counted, refused } = weighed;
  const isTheirs = known?.waits?.byWords === weighed.waits.byWords;
  const changed = known === null || !isTheirs || weighed.votes.some((vote) => !known.votes.includes(vote));
  if (!changed && verdict.verdict === 'waits')
    return { standing: await standingOf(means, transaction, row), refused, error: null };
  if (known === null) await assertRoom(means, call, transaction, weighed);
  await endOthers(transaction, key.row, weighed, verdict);
  const held = await store(means, transaction, key, weighed, brought.link, { verdict, lately });
  const { votes } = counted;
  await noteChange(means.context, transaction, row, step, { verdict, by: proposerOf(call), votes });
  return { standing: await standingOf(means, transaction, held), refused, error: null };
}

/** A change with what speaks for it here. */
interface Weighed {
  readonly step: Step;
  /** What has been put in force since the terms before it, the newest first. */
  readonly over: readonly PastTerms[];
  /** What is stored of it; null: it is new. */
  readonly known: StoredTerms | null;
  readonly dead: readonly DeadChange[];
  readonly waits: Waits;
  readonly votes: readonly Uint8Array[];
  readonly refused: readonly RefusedVote[];
  readonly counted: ReturnType<typeof countKept>;
}

async function weigh(
  means: TermsMeans,
  proposer: Proposer,
  transaction: Transaction,
  key: KeyWithTerms,
  { change, after, link }: Brought,
): Promise<Weighed> {
  const { row, head } = key;
  const past = await findPast(means.context, transaction, key, change.previous);
  if (past === null) throw wrongVersion(head.policy);
  const { terms: before, over } = past;
  const step: Step = { change, before, after };
  assertChangeOfTerms(change, { keyId: row.keyId, before, after });
  const isNext = !isSettling(change, before);
  demand(!isNext || !isSameContent(before, after), 'TERMS_SAME', 'this key has just these terms');
  assertMovable(head.policy, after);
  assertMovable(before, after);
  assertUsable(means, key, after);
  const digest = termsChangeDigest(change);
  const stored = (await readNext(means.context, transaction, row, head))?.record ?? null;
  const dead = await deadAt(means.context, transaction, key, digest);
  assertNotOver(stored, dead, digest);
  const known = stored !== null && isOf(stored, digest) ? stored : null;
  const polling = pollingOf(means, step);
  const said = await votesAbout(means, transaction, row, change);
  const { votes, refused } = takeVotes(means, polling, known?.votes ?? [], [...link.votes, ...said]);
  const counted = countKept(polling, votes);
  const waits = afterNo(waitsWith(means, proposer, known, { step, counted }), counted.votes);
  const ofLink = refused.filter(({ at }) => at < link.votes.length);
  return { step, over, known, dead, waits, votes, refused: ofLink, counted };
}

/** Words that say a device’s change again make it theirs, and their time begins: where nobody has said yes or no, time alone is what is left. */
function waitsWith(
  means: TermsMeans,
  proposer: Proposer,
  known: StoredTerms | null,
  { step: { before }, counted }: Pick<Weighed, 'step' | 'counted'>,
): Waits {
  const waits = known?.waits ?? null;
  if (waits === null) return waitsFrom(means, proposer, before);
  const areNew =
    proposer.byWords && !waits.byWords && waits.areStopped !== true && before.change !== undefined;
  return areNew && !isAgreed(before, counted) ? waitsFrom(means, proposer, before) : waits;
}

/** Who proposed a change, as far as that counts for how long it waits and with whom it ends. */
type Proposer = Pick<Waits, 'byWords' | 'by'>;

function waitsFrom({ counting }: TermsMeans, proposer: Proposer, before: KeyTerms): Waits {
  const counter = counting();
  const waited = waitFrom(counter, longestWait(before, proposer.byWords));
  return { ...proposer, proposedAt: counter.now, waited };
}

function verdictOf(
  { counting }: TermsMeans,
  { policy }: KeyHead,
  { step, known, waits, counted }: Weighed,
  former: readonly KeyTerms[],
): ChangeVerdict {
  const counter = counting();
  if (known !== null && counter.now > endOf(waits)) return LAIN_TOO_LONG;
  const { change, before, after } = step;
  const { byWords, waited } = waits;
  const isFar = change.version - versionOf(policy) > MOST_AHEAD_AT_ONCE;
  return (isFar ? judgeWaiting : judgeChange)({
    before,
    after,
    inForce: policy,
    former,
    byWords,
    ...counted,
    counted: countedBy(counter, waited),
  });
}

/**
 * What was agreed since, or has waited its time, is not taken back by the rule of the terms before it: only what was tightened since is.
 * @throws StateError `TERMS_NOT_TAKEN_BACK`
 */
function assertTakesBack({ step, over }: Weighed): void {
  const { version } = step.change;
  demand(
    over.every(isTightened),
    'TERMS_NOT_TAKEN_BACK',
    `terms ${version} would take back here what came into force by more than being tighter`,
  );
}

/**
 * When terms came into force here by being tighter alone within a day, with these: a stolen device makes no history without end, and uses up no numbers. Words, and
 * those who are asked, go on.
 * @throws StateError `TERMS_TOO_OFTEN`
 */
async function latelyWith(
  { context }: TermsMeans,
  { by }: Call,
  reader: Reader,
  key: KeyWithTerms,
  { step: { before }, counted }: Weighed,
  verdict: ChangeVerdict,
): Promise<readonly number[]> {
  if (verdict.verdict !== 'inForce') return [];
  const isAlone = verdict.way === 'tighter' && by.may !== null && !isAgreed(before, counted);
  return isAlone ? countAlone(context, reader, key) : latelyAt(context, reader, key);
}

/** People are asked about what waits, and about nothing else. */
async function endOthers(
  transaction: Transaction,
  row: KeyRow,
  { step, dead }: Weighed,
  { verdict }: ChangeVerdict,
): Promise<void> {
  const last = dead.at(-1);
  if (last !== undefined) await endAsking(transaction, row, last.change);
  if (verdict !== 'waits') await endAsking(transaction, row, termsChangeDigest(step.change));
}

async function store(
  { context }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  { step, votes, waits, dead }: Weighed,
  { statement, terms }: TermsLink,
  { verdict, lately }: { readonly verdict: ChangeVerdict; readonly lately: readonly number[] },
): Promise<KeyRow> {
  if (verdict.verdict === 'inForce') {
    const comes = { statement, votes: [...votes], from: step.before, lately, dead };
    return putInForce(context, transaction, row, head, step.after, comes);
  }
  const isOver = verdict.verdict === 'over';
  const fate = isOver ? { waits: null, over: verdict.reason } : { waits, over: null };
  const link = { statement, terms, votes: [...votes] };
  if (!isOver) await askAbout({ context }, transaction, row, step, { ...link, byWords: waits.byWords });
  return writeNext(context, transaction, row, head, { ...link, dead, ...fate });
}

/**
 * A device that is young touches no terms (P2), and none gives them a number that nothing could rise above which takes them back. One that may not manage brings only what the votes prove, or what is known already; and so does whoever
 * says that others have it: one server that lies has the owner's own client say so.
 * @throws StateError `DEVICE_TOO_YOUNG`, `TERMS_NOT_VOUCHED`; AccessError `DEVICE_MAY_NOT`; EncodingError `TERMS_VERSION_WRONG`
 */
async function assertMayBring(
  { isYoung }: TermsMeans,
  call: Call,
  transaction: Transaction,
  { head }: KeyWithTerms,
  { step, known, counted }: Weighed,
  as: BroughtAs,
): Promise<void> {
  if (known !== null || isAgreed(step.before, counted)) return;
  assertAllowed(call.by.may, 'manage');
  if (await isYoung(transaction, call)) throw deviceTooYoung();
  const { version } = step.change;
  const isFar = call.by.may !== null && version - versionOf(head.policy) > MOST_AHEAD_BY_DEVICES;
  if (isFar) throw wrongVersion(head.policy);
  demand(
    as === 'proposed',
    'TERMS_NOT_VOUCHED',
    `too few say that terms ${version} of this key are in force`,
  );
}

function isOf({ statement }: StoredTerms, digest: Uint8Array): boolean {
  return statement !== null && equalBytes(termsChangeDigest(parseTermsChange(statement)), digest);
}

/** @throws StateError `TERMS_CHANGE_OVER` */
function assertNotOver(before: StoredTerms | null, dead: readonly DeadChange[], digest: Uint8Array): void {
  const reason =
    before !== null && before.over !== null && isOf(before, digest)
      ? before.over
      : dead.some(({ change }) => equalBytes(change, digest))
        ? 'another change took its place'
        : null;
  if (reason === null) return;
  throw refusal('TERMS_CHANGE_OVER', `this change of the terms is over: ${reason}`);
}

/**
 * Whoever proposes without end does not flush out what was stopped. The words go on: they take out whoever does that.
 * @throws StateError `TERMS_TOO_MANY`; PolicyError `QUOTA_BYTES`
 */
async function assertRoom(
  { context }: TermsMeans,
  { account, by }: Call,
  transaction: Transaction,
  { step, dead }: Weighed,
): Promise<void> {
  const isFull = dead.length >= MOST_DEAD && by.may !== null;
  demand(!isFull, 'TERMS_TOO_MANY', `${MOST_DEAD} changes to the next terms of this key are over already`);
  const { before, after } = step;
  const bytes = encodeTerms(before).length + encodeTerms(after).length + FRAMING_BYTES;
  await context.accounts.quota.bytes(transaction, account, bytes);
}
