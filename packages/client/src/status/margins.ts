import { membersNeeded, type Quorum } from '@ckm/threshold';
import { listed } from '../servers/faults.js';

/** How many more servers may fail before something stops that takes so many of them. */
export interface Margin {
  readonly needed: number;
  /** Negative: it has stopped. */
  readonly margin: number;
  /** Whether half of what may fail, or more, has failed. */
  readonly isLow: boolean;
}

/**
 * How many servers of a key decide who holds it next: as many as sign, or the majority where that is more; of a strict key so many that
 * fewer liars than the quorum cannot fork it.
 */
export function changersNeeded(quorum: Quorum, strict: boolean): number {
  return membersNeeded(quorum, strict);
}

/**
 * The same for a change, of a key some of whose servers have forgotten what they said in its epoch. Nobody counts on those, but that the only one is
 * reminded where all the others are there.
 * @param answering of the `of` servers that there are, those who forgot among them
 */
export function changeMargin(answering: number, forgot: number, quorum: Quorum): Margin {
  const { needed, of } = quorum;
  const remembering = answering - forgot;
  const isReminded = forgot === 1 && answering === of;
  return marginOf(isReminded ? Math.max(remembering, needed) : remembering, quorum);
}

/** @param answering of the `of` servers that there are */
export function marginOf(answering: number, { needed, of }: Quorum): Margin {
  const margin = answering - needed;
  const spare = of - needed;
  return { needed, margin, isLow: spare > 0 && 2 * margin <= spare };
}

/** What is said of a key's margins. */
interface Told {
  readonly quorum: Quorum;
  readonly margin: number;
  readonly changes: Margin;
  /** Servers that are to be brought back; none: that is said elsewhere. */
  readonly absent: readonly string[];
  /** Servers that decide on nothing in this epoch before all others have reminded them; absent: none. */
  readonly forgot?: readonly string[];
}

/** How many more servers of a key may fail, in the one wording that everything uses. */
export function formatMargin({ margin, quorum, changes, absent, forgot = [] }: Told): string {
  const back = absent.length === 0 ? '' : `: bring ${listed(absent)} back`;
  if (margin < 0) return `cannot sign${back}`;
  const isMore = changes.needed > quorum.needed || (forgot.length > 0 && changes.margin < margin);
  const change = isMore ? `; ${changeText(changes, forgot)}` : '';
  if (margin > 0)
    return `${margin === 1 ? '1 server may fail' : `${margin} servers may fail`}${change}${back}`;
  return quorum.needed === quorum.of
    ? `none may fail: it needs them all${change}`
    : `none may fail${change}${back}`;
}

/** Of a key that takes more servers to change hands than to sign, or of which some have forgotten what they said. */
function changeText({ margin, needed }: Margin, forgot: readonly string[]): string {
  if (margin < 0)
    return `cannot change hands: that takes ${needed}${forgot.length === 0 ? '' : ' that have not forgotten'}`;
  return `${margin === 0 ? 'none' : margin} may fail and it still changes hands`;
}
