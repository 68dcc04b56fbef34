import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import type { Counter } from '../sessions/waiting-time.js';
import type { Transaction } from '../storage/storage.js';
import type { KeyWithTerms } from './held-key.js';
import type { ChangeVerdict } from './judge-change.js';
import { endOf, LAIN_TOO_LONG } from './judge-stored.js';
import type { TermsMeans } from './means.js';
import type { Waits } from './stored-terms.js';

const RIPE: ChangeVerdict = { verdict: 'waits', missing: 0, left: 0 };

/**
 * What may come into force by what was said or counted, as far as it may right now: by terms that may be of an older day nothing does, since others say first which
 * are the newest (L8). In a frozen account nothing does that is not tighter, whoever says yes to it; it waits on. And what a device has proposed ends with it.
 */
export async function rightNow(
  { context, counting }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  waits: Waits | null,
  verdict: ChangeVerdict,
): Promise<ChangeVerdict> {
  if (verdict.verdict !== 'inForce') return verdict;
  if (head.asks !== undefined) return RIPE;
  if (verdict.way === 'tighter') return verdict;
  const account = await context.accounts.find(transaction, row.owner);
  if (account === null || isFrozen(account, context.clock())) return RIPE;
  const late = waits === null ? null : lateVerdict(account, waits, counting());
  return late ?? verdict;
}

/** What a device has proposed ends with it, as all that it has begun. Null: it waits on. */
export function lateVerdict({ keys }: Call['account'], waits: Waits, { now }: Counter): ChangeVerdict | null {
  const { by } = waits;
  const isStill = ({ id, may }: Call['by']) => equalBytes(id, by!) && may?.includes('manage') === true;
  if (by !== undefined && ![...keys.devices.values()].some(isStill))
    return { verdict: 'over', reason: 'the device that proposed it was removed' };
  return now > endOf(waits) ? LAIN_TOO_LONG : null;
}

export function isFrozen({ freezes }: Pick<Call['account'], 'freezes'>, now: number): boolean {
  return freezes.some(({ endedAt, until }) => endedAt === null && until > now);
}
