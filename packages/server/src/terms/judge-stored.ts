import { parseTerms, parseTermsChange, type VotesHeld } from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { putBack } from '../sessions/keys/stored/read-key.js';
import { type Counter, countedBy } from '../sessions/waiting-time.js';
import type { Reader } from '../storage/storage.js';
import { votesAbout } from './asked-people.js';
import type { KeyWithTerms } from './held-key.js';
import { type ChangeVerdict, judgeWaiting } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { findOnWay, formerTerms } from './past-chain.js';
import { countKept, pollingOf, type RefusedVote, type Step, takeVotes } from './poll.js';
import type { StoredTerms, Waits } from './stored-terms.js';

/** How long a change may lie here with its time over before it is over itself. Seconds. */
const LIES_SECONDS = 14 * 86_400;

export const LAIN_TOO_LONG = {
  verdict: 'over',
  reason: 'it was not in force in time',
} as const satisfies ChangeVerdict;

/** A change that would take back what a certificate names by now. */
const PASSED = {
  verdict: 'over',
  reason: 'an epoch was certified under later terms than it goes on from',
} as const satisfies ChangeVerdict;

/** Whether a change would take back what a certificate names. */
export function isPassed(verdict: ChangeVerdict): verdict is typeof PASSED {
  return verdict === PASSED;
}

/** A change that is stored here with its statement. */
export type StoredChange = StoredTerms & { readonly statement: Uint8Array };

/** A stored change with all that was said of it so far. */
export interface JudgedStored {
  readonly step: Step;
  readonly votes: readonly Uint8Array[];
  /** Of the votes that came: of others it is not said. */
  readonly refused: readonly RefusedVote[];
  readonly held: VotesHeld;
  /** As it waits from now on; null: it waits for nothing. */
  readonly waits: Waits | null;
  readonly verdict: ChangeVerdict;
}

/**
 * Judges a change that is stored here by what was said of it, by what comes besides, and by the time that it has waited.
 * @throws StorageError `ROW_TAMPERED`
 */
export async function judgeStored(
  means: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  record: StoredChange,
  came: readonly Uint8Array[],
  counter: Counter,
): Promise<JudgedStored> {
  const { step, isLate } = await stepOf(means, reader, key, record);
  const polling = pollingOf(means, step);
  const said = await votesAbout(means, reader, key.row, step.change);
  const { votes, refused } = takeVotes(means, polling, record.votes, [...came, ...said]);
  const counted = countKept(polling, votes);
  const waits = record.waits === null ? null : afterNo(record.waits, counted.votes);
  const verdict = isLate
    ? PASSED
    : judgeWaiting({
        ...step,
        former: await formerTerms(means.context, reader, key),
        byWords: waits?.byWords ?? false,
        ...counted,
        counted: waits === null ? 0 : countedBy(counter, waits.waited),
      });
  const ofCame = refused.filter(({ at }) => at < came.length);
  return { step, votes, refused: ofCame, held: counted.votes, waits, verdict };
}

/**
 * A stored change as it is judged. `isLate`: an epoch was certified since under later terms than it goes on from, so that it comes into force no more.
 * @throws StorageError `ROW_TAMPERED`
 */
async function stepOf(
  { context }: Pick<TermsMeans, 'context'>,
  reader: Reader,
  key: KeyWithTerms,
  { statement, terms }: StoredChange,
): Promise<{ readonly step: Step; readonly isLate: boolean }> {
  const change = parseTermsChange(statement);
  const found = await findOnWay(context, reader, key, change.previous);
  if (found === null) throw putBack('terms');
  const step = { change, before: found.terms, after: parseTerms(terms, REQUEST_FACTS) };
  return { step, isLate: found.isPassed };
}

/** When a change is over that is not in force by then; a clock that jumps ahead takes it away, and gives nothing. UnixSeconds. */
export function endOf({ proposedAt, waited }: Waits): number {
  return proposedAt + waited.needed + LIES_SECONDS;
}

/** Whoever has a say stops what the words alone would do, for good: his no counts for fourteen days, and they may wait for longer. */
export function afterNo(waits: Waits, { no }: VotesHeld): Waits {
  return no.size === 0 || !waits.byWords ? waits : { ...waits, byWords: false, areStopped: true };
}

/** A record that says what change it is of. */
export function isChange(record: StoredTerms | null): record is StoredChange {
  return record !== null && record.statement !== null;
}
