import type { ChangeView } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { parseStatement, type Signed, type Statement } from '@ckm/threshold';
import { type ChangeMember, type ChangeRun, faultsIn, type Gathered, saveChangeRun } from './change-run.js';

/**
 * The try that this client was in, or the one behind what members have reached. A session that failed is followed by another
 * one in the same try: members lock one outcome of a try, whichever it is.
 */
export async function enterableAttempt(
  run: ChangeRun,
  views: ReadonlyMap<ChangeMember, ChangeView>,
): Promise<number> {
  const reached = reachedAttempt(run, views);
  const { attempt } = run.record;
  if (attempt > 0 && (attempt === reached || attempt === reached + 1)) return attempt;
  // Also down: what was on record by one member's word is no try that any other member enters.
  const next = reached + 1;
  await saveChangeRun(run, { attempt: next, sessionId: null, signed: null });
  return next;
}

/**
 * The highest try that as many different members have spoken in as it takes to go on to the next one, by what they signed: a
 * number that one of them says by itself would be the end of all changes. Who forgot is one of them by what it signed before, as servers
 * count it. Only where every member is needed does it count itself, once all the others have reminded it, and then nothing of before.
 */
function reachedAttempt(run: ChangeRun, views: ReadonlyMap<ChangeMember, ChangeView>): number {
  const { needed, of } = run.before.params.quorum;
  const isForgetting = ([{ oldSlot }, { forgot }]: readonly [ChangeMember, ChangeView]) =>
    oldSlot !== null && forgot !== null;
  const reminded = needed === of ? [...views].filter(isForgetting).map(([{ oldSlot }]) => oldSlot) : [];
  const highest = new Map<number, number>();
  for (const { slot, attempt } of [...views.values()].flatMap((view) => spokenIn(run, view)))
    if (!reminded.includes(slot)) highest.set(slot, Math.max(highest.get(slot) ?? 0, attempt));
  const counted = needed - (reminded.length > 0 ? 1 : 0);
  return [...highest.values()].toSorted((a, b) => b - a)[counted - 1] ?? 0;
}

/** What was read; nothing where it cannot be: what one server shows of itself must not stop the others. */
export function readable<T>(read: () => T): readonly T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}

/** Statements in a member's view that count: its own, and those that let it come there. */
export function spokenIn({ deciders }: ChangeRun, view: ChangeView): Signed<Statement>[] {
  const spoken = view.spoken.flatMap((bytes) => readable(() => parseStatement(bytes)));
  return spoken.filter((statement) => deciders.isSigned(statement));
}

/** What a member answers that will not say in this try what is asked of it, ever. */
const SPENT: readonly unknown[] = [
  'said-otherwise',
  'bound-otherwise',
  'attempt-past',
  'own-promise-missing',
];

/**
 * Whether nothing more comes of a try: somebody's word stands against it, or all others have promised for one that forgot, which
 * speaks in the next.
 */
export function isTryOver(run: ChangeRun, { answers, failures }: Gathered<unknown>): boolean {
  const reasons = [...failures.values()].map(({ facts }) => facts['reason']);
  if (reasons.some((reason) => SPENT.includes(reason)) || faultsIn({ failures }).length > 0) return true;
  return reasons.includes('forgot') && answers.size >= run.before.params.quorum.of - 1;
}

export async function nextTry(run: ChangeRun): Promise<void> {
  await saveChangeRun(run, { attempt: run.record.attempt + 1, sessionId: null, signed: null });
}
