import type { ChangeView } from '@ckm/api';
import type { Signed, Statement } from '@ckm/threshold';
import type { Gathered } from '../../servers/gathered.js';
import { enterable, isSpent, reachedBy } from '../votes/which-attempt.js';
import { type ChangeMember, type ChangeRun, faultsIn, saveChangeRun } from './change-run.js';

type Views = ReadonlyMap<ChangeMember, ChangeView>;

/**
 * The try that members are asked to enter. A session that failed is followed by another one in the same try: members lock one outcome of a
 * try, whichever it is.
 * @param spoken what members have signed so far
 */
export async function enterableAttempt(
  run: ChangeRun,
  views: Views,
  spoken: readonly Signed<Statement>[],
): Promise<number> {
  const attempt = enterable(run.record.attempt, reachedAttempt(run, views, spoken));
  if (attempt !== run.record.attempt) await saveChangeRun(run, { attempt, sessionId: null, signed: null });
  return attempt;
}

/**
 * The highest try that as many different members have spoken in as it takes to go on to the next one. Who forgot is one of them by what it
 * signed before, as servers count it. Only where every member is needed does it count itself, once all the others have reminded it, and then
 * nothing of before.
 */
function reachedAttempt(run: ChangeRun, views: Views, spoken: readonly Signed<Statement>[]): number {
  const { needed, of } = run.before.params.quorum;
  const isForgetting = ([{ oldSlot }, { forgot }]: readonly [ChangeMember, ChangeView]) =>
    oldSlot !== null && forgot !== null;
  const reminded = needed === of ? [...views].filter(isForgetting).map(([{ oldSlot }]) => oldSlot) : [];
  const counted = needed - (reminded.length > 0 ? 1 : 0);
  return reachedBy(
    spoken.filter(({ slot }) => !reminded.includes(slot)),
    counted,
  );
}

/**
 * Whether nothing more comes of a try: somebody's word stands against it, or all others have promised for one that forgot, which
 * speaks in the next.
 */
export function isTryOver(run: ChangeRun, { answers, failures }: Gathered<ChangeMember, unknown>): boolean {
  if (isSpent(failures) || faultsIn({ failures }).length > 0) return true;
  const isForgotten = [...failures.values()].some(({ facts }) => facts['reason'] === 'forgot');
  return isForgotten && answers.size >= run.before.params.quorum.of - 1;
}

export async function nextTry(run: ChangeRun): Promise<void> {
  await saveChangeRun(run, { attempt: run.record.attempt + 1, sessionId: null, signed: null });
}
