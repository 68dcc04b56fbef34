import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import type { KeyShare, PartyIndex } from '@ckm/threshold';
import { describe, expect, test } from 'vitest';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import { random } from '../../test/rooms.js';
import { createIssueBudget } from './issue-budget.js';
import { createNoncePool, type PoolLimits } from './nonce-pool.js';

const alice = new Uint8Array(32).fill(0xa1);
const scalar = Uint8Array.of(5, ...new Uint8Array(31));

/** A key that exists nowhere else: a pool looks at its share and its ids. */
function keyNumber(number: number, owner = alice): ActiveKey {
  const publicKey = {
    suite: 'ed25519',
    quorum: { needed: 2, of: 3 },
    groupKey: new Uint8Array(32),
    commitment: [],
    verifyingShares: [],
    chainCode: new Uint8Array(32),
  } as const;
  const share: KeyShare = { party: 1 as PartyIndex, share: secret(scalar.slice()), public: publicKey };
  const context = { suite: 'ed25519', purpose: 'message', public: publicKey } as const;
  const policy = {
    kinds: [],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: true,
    approval: 'automatic',
  } as const;
  return {
    name: `${encodeHex(owner)}/key ${number}`,
    owner,
    keyId: new Uint8Array(32).fill(number),
    epoch: 0,
    transcriptHash: new Uint8Array(32),
    version: 1,
    tightened: 0,
    stoppedAt: null,
    frozenUntil: null,
    counting: null,
    voided: 0,
    policy: { ...policy, kinds: [] },
    context,
    share,
  };
}

const names = (commitments: readonly NonceCommitment[]) => commitments.map(({ hiding }) => encodeHex(hiding));

const createPool = (limits?: PoolLimits, clock = () => 1_000) => createNoncePool({ random, clock }, limits);

describe('the pool of nonces', () => {
  const [one, two] = [keyNumber(1), keyNumber(2)];

  test('the pool never publishes the same commitment twice', () => {
    const made = createPool().issue(one, 50);
    expect(new Set([...names(made), ...made.map(({ binding }) => encodeHex(binding))]).size).toBe(100);
  });

  test('a nonce that was taken cannot be taken again', () => {
    const pool = createPool();
    const made = pool.issue(one, 2);
    expect(pool.take(one, made)).toHaveLength(2);
    expect(pool.take(one, made)).toBeNull();
  });

  test('V34: one commitment named twice in one attempt is given for neither, and is gone', () => {
    const pool = createPool();
    const [made] = pool.issue(one, 1);
    expect(pool.take(one, [made!, made!])).toBeNull();
    expect(pool.take(one, [made!])).toBeNull();
  });

  test('N10: one unknown commitment among good ones consumes them all', () => {
    const pool = createPool();
    const made = pool.issue(one, 2);
    const unknown = { hiding: new Uint8Array(32).fill(9), binding: made[0]!.binding };
    expect(pool.take(one, [made[0]!, unknown, made[1]!])).toBeNull();
    expect(pool.take(one, [made[0]!])).toBeNull();
    expect(pool.take(one, [made[1]!])).toBeNull();
  });

  test('a commitment is good for its own key only', () => {
    const pool = createPool();
    const [made] = pool.issue(one, 1);
    expect(pool.take(two, [made!])).toBeNull();
    expect(pool.take(one, [made!])).toHaveLength(1);
  });

  test('never more than the cap are kept for one key: its own oldest make room', () => {
    const pool = createPool();
    const first = pool.issue(one, MAX_POOL);
    const [next] = pool.issue(one, 1);
    expect(pool.take(one, [first[0]!])).toBeNull();
    expect(pool.take(one, [next!])).toHaveLength(1);
  });

  test('N4: another process of the server knows none of them', () => {
    const made = createPool().issue(one, 1);
    expect(createPool().take(one, made)).toBeNull();
  });

  test('N1: a random source that repeats itself still gives other nonces', () => {
    const stuck = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1);
    const made = createNoncePool({ random: stuck, clock: () => 1_000 }).issue(one, 5);
    expect(new Set(names(made)).size).toBe(5);
  });

  test('V70: an account that asks with all its keys loses its own oldest commitments, never those of another account', () => {
    const pool = createPool({ forEach: 64, inAll: 128, always: 4 });
    const bobs = keyNumber(9, new Uint8Array(32).fill(0xb0));
    const kept = pool.issue(bobs, 8);
    const first = pool.issue(one, 16);
    for (let i = 0; i < 50; i++) pool.issue(keyNumber(i), 16);
    expect(pool.take(one, [first[0]!])).toBeNull();
    expect(pool.take(bobs, kept)).toHaveLength(8);
    expect(pool.wipe()).toBeLessThanOrEqual(64);
  });

  test('V70: many accounts that keep what they are given leave enough for one that comes later, and push nothing out', () => {
    const pool = createPool({ forEach: 64, inAll: 128, always: 4 });
    const bobs = keyNumber(9, new Uint8Array(32).fill(0xb0));
    const kept = pool.issue(bobs, 8);
    const others = Array.from({ length: 20 }, (_, i) => keyNumber(i, new Uint8Array(32).fill(i)));
    for (const key of others) expect(pool.issue(key, 64).length).toBeGreaterThanOrEqual(4);
    expect(pool.issue(keyNumber(1, new Uint8Array(32).fill(0xc0)), 64)).toHaveLength(4);
    expect(pool.take(bobs, kept)).toHaveLength(8);
    expect(pool.wipe()).toBeLessThanOrEqual(128 + 22 * 4);
  });

  test('pairs of a key that nobody asked for in a week are forgotten', () => {
    let now = 1_000;
    const pool = createPool(undefined, () => now);
    const [old, kept] = [pool.issue(one, 3), pool.issue(two, 3)];
    now += 600_000;
    pool.issue(two, 1);
    now += 10_000;
    pool.sweep();
    expect(pool.take(one, old)).toBeNull();
    expect(pool.take(two, kept)).toHaveLength(3);
  });

  test('a wiped pool knows nothing any more', () => {
    const pool = createPool();
    const made = pool.issue(one, 3);
    expect(pool.wipe()).toBe(3);
    expect(pool.take(one, made)).toBeNull();
  });
});

describe('the budget for commitments', () => {
  const key = keyNumber(1);

  test('is a full pool at first, what time gives back later, and always enough to go on', () => {
    let now = 1000;
    const budget = createIssueBudget(() => now);
    expect(budget.grant(key, 500, 0)).toBe(500);
    expect(budget.grant(key, 500, 0)).toBe(12);
    expect(budget.grant(key, 500, 0)).toBe(8);
    expect(budget.grant(key, 500, 100)).toBe(100);
    now += 10;
    expect(budget.grant(key, 500, 0)).toBe(80);
    expect(budget.grant(keyNumber(2), 500, 0)).toBe(500);
  });

  test('V70: an account that asks with many keys is granted what four keys are, and then only enough to go on', () => {
    const budget = createIssueBudget(() => 1000);
    const granted = Array.from({ length: 6 }, (_, i) => budget.grant(keyNumber(i), MAX_POOL, 0));
    expect(granted).toEqual([MAX_POOL, MAX_POOL, MAX_POOL, MAX_POOL, 8, 8]);
    expect(budget.grant(keyNumber(7, new Uint8Array(32).fill(0xb0)), MAX_POOL, 0)).toBe(MAX_POOL);
  });

  test('gives back what was used for signatures', () => {
    const budget = createIssueBudget(() => 1000);
    budget.grant(key, MAX_POOL, 0);
    budget.refund(key, 100);
    expect(budget.grant(key, 500, 0)).toBe(100);
  });

  test('does not mind a clock that stands still or jumps', () => {
    let now = 1000;
    const budget = createIssueBudget(() => now);
    budget.grant(key, MAX_POOL, 0);
    now = 0;
    expect(budget.grant(key, 500, 0)).toBe(8);
    now = 1_000_000;
    expect(budget.grant(key, 5000, 0)).toBe(MAX_POOL);
  });
});
