import { buildMessageRequest } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { createCostBudget } from '../accounts/cost-budget.js';
import type { Crafts } from '../crafts/craft.js';
import { costOf } from './request-cost.js';

const alice = { xid: new Uint8Array(32).fill(1) };
const mallory = { xid: new Uint8Array(32).fill(2) };

describe('V70: what requests cost', () => {
  test('is taken from the minute of the account that asks, and refused with the seconds after which to ask again', () => {
    let now = 0;
    const budget = createCostBudget(10_000, () => now);
    for (let i = 0; i < 10; i++) budget.charge(mallory, { reading: 900, attempt: 100 });
    expect(() => budget.charge(mallory, { reading: 600, attempt: 0 })).toThrow(
      expect.objectContaining({
        code: 'QUOTA_COST',
        httpStatus: 429,
        retryable: true,
        facts: { costMs: 600, limitMs: 10_000, retryAfterSeconds: 4 },
      }),
    );
    budget.charge(alice, { reading: 600, attempt: 0 });
    now += 4_000;
    budget.charge(mallory, { reading: 600, attempt: 0 });
  });

  test('what is more than a whole minute is refused for good, and what every message costs is not counted', () => {
    const budget = createCostBudget(1_000, () => 0);
    for (let i = 0; i < 10_000; i++) budget.charge(mallory, { reading: 2, attempt: 1 });
    expect(() => budget.charge(mallory, { reading: 1_001, attempt: 0 })).toThrow(
      expect.objectContaining({ code: 'QUOTA_COST', retryable: false }),
    );
  });

  test('grows with tasks times signers, told before anything is read', () => {
    const crafts = { frost: { cost: () => 1_800 } } as unknown as Crafts;
    const payload = buildMessageRequest({ domain: '', bytes: new Uint8Array(1) });
    const ask = { kind: 'message', payload, attempt: { craft: 'frost' } } as unknown as Parameters<
      typeof costOf
    >[1];
    expect(costOf(crafts, ask)).toEqual({ reading: expect.closeTo(1, 1) as number, attempt: 1_800 });
    expect(() => costOf(crafts, { ...ask, kind: 'constructor' })).toThrow(
      expect.objectContaining({ code: 'REQUEST_KIND_UNKNOWN' }),
    );
  });
});
