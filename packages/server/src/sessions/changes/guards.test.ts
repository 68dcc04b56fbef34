import type { ChangeOrder, KeyTerms } from '@ckm/api';
import { describe, expect, test } from 'vitest';
import { termsWith } from '../test/terms.js';
import type { Counter } from '../waiting-time.js';
import { NO_CHANGE } from './change-record.js';
import { judgeOrder } from './guards.js';

const DAY = 86_400;
const process = new Uint8Array(16);
const counter: Counter = { now: 1_800_000_000, lived: 0, process, isAlone: true };

/** What becomes of an order that was counted for so long, at a key with such terms. */
function judged(
  counted: number,
  terms: Partial<KeyTerms>,
  order: { readonly termsVersion: number } | null = null,
) {
  const policy: KeyTerms = {
    kinds: ['message'],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: false,
    approval: 'automatic',
    changes: 'automatic',
    changeDelay: 0,
    ...terms,
  };
  const joining = { policy } as NonNullable<(typeof NO_CHANGE)['joining']>;
  const waited = { needed: 40 * DAY, counted, countedAt: counter.now, lived: 0, process };
  return judgeOrder(
    counter,
    { key: null, record: { ...NO_CHANGE, joining }, stricter: { asksOperator: false, delay: 0 } },
    { order: order as ChangeOrder | null, isWeighty: true, over: null, waited, operator: null },
  );
}

describe('an order about other servers', () => {
  test('goes at once where the key says so and has no terms', () => {
    expect(judged(0, {}).verdict).toBe('passed');
  });

  test('waits no shorter than other terms of the key would', () => {
    const change = { needed: 0, of: [], delaySeconds: 20 * DAY, words: null };
    const terms = termsWith([], { change });
    expect(judged(0, terms)).toMatchObject({ verdict: 'early', readyAt: counter.now + 20 * DAY });
    expect(judged(20 * DAY, terms).verdict).toBe('passed');
    expect(judged(27 * DAY, terms).verdict).toBe('over');
  });

  test('L8: is over under earlier terms than those in force here, and waits under later ones', () => {
    const terms = { version: 2, previous: new Uint8Array(32) };
    expect(judged(0, terms, { termsVersion: 1 }).verdict).toBe('over');
    expect(judged(0, terms, { termsVersion: 2 }).verdict).toBe('passed');
    expect(judged(0, terms, { termsVersion: 3 })).toMatchObject({ verdict: 'early', readyAt: null });
  });

  test('never goes where the terms name people for it and nobody is asked', () => {
    const named = judged(4 * DAY, termsWith([]));
    expect(named).toMatchObject({ verdict: 'early', asked: false });
    expect(named.reason).toContain('people are to say yes');
  });
});
