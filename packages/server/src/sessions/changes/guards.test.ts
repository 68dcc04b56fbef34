import type { ChangeOrder, KeyTerms } from '@ckm/api';
import { describe, expect, test } from 'vitest';
import { termsWith } from '../test/terms.js';
import type { Counter } from '../waiting-time.js';
import { NO_CHANGE } from './change-record.js';
import type { PeopleSaid } from '../../context.js';
import type { KeyHead } from '../keys/stored/key-head.js';
import { judgeOrder } from './guards.js';

const DAY = 86_400;
const process = new Uint8Array(16);
const counter: Counter = { now: 1_800_000_000, lived: 0, process, isAlone: true };

/** What becomes of an order that was counted for so long, at a key with such terms. */
function judged(
  counted: number,
  terms: Partial<KeyTerms>,
  order: { readonly termsVersion: number } | null = null,
  said: PeopleSaid | null = null,
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
    {
      // A server that joins hears nobody.
      key: said === null ? null : { head: { policy } as KeyHead },
      record: { ...NO_CHANGE, joining },
      stricter: { asksOperator: false, delay: 0 },
      said,
    },
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

  test('waits for those whom the terms name for a change, and is over by as many noes as leave too few', () => {
    const said = (yes: readonly string[], no: readonly string[] = []): PeopleSaid => ({
      votes: { yes: new Set(yes), no: new Set(no) },
      without: new Set(),
    });
    const after = (people: PeopleSaid) => judged(4 * DAY, termsWith([]), null, people);
    expect(after(said([]))).toMatchObject({ verdict: 'early', asked: false });
    expect(after(said(['ann'])).reason).toBe('by the terms of the key 1 more of bob, cy have to say yes');
    expect(after(said(['ann', 'cy'])).verdict).toBe('passed');
    expect(after(said(['ann', 'cy'], ['bob'])).verdict).toBe('passed');
    expect(after(said(['ann'], ['bob', 'cy']))).toMatchObject({
      verdict: 'over',
      reason: 'by the terms of the key: bob, cy said no',
    });
    // Its delay is counted besides.
    expect(judged(DAY, termsWith([]), null, said(['ann', 'cy']))).toMatchObject({
      verdict: 'early',
      readyAt: counter.now + 2 * DAY,
    });
  });

  test('is heard by those who decide, not by a server that joins', () => {
    expect(judged(4 * DAY, termsWith([])).verdict).toBe('passed');
  });
});
