import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import { encodeHex, secret, type Secret } from '@ckm/foundation';
import { postgresPrograms, startPostgres, type PostgresCluster } from '@ckm/testkit';
import type { KeyShare, PartyIndex, SigningNonces } from '@ckm/threshold';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerContext } from '../../context.js';
import type { Transaction } from '../../storage/storage.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import { alice, createBareServers } from '../../sessions/test/bare-servers.js';
import { createIssueBudget } from './issue-budget.js';
import { createMemoryPool } from './memory-pool.js';
import type { NoncePool } from './nonce-pool.js';
import { createPoolMemory } from './pool-memory.js';
import { createRowPool } from './row-pool.js';

const network = createBareServers();
afterEach(() => network.close());

const scalar = Uint8Array.of(5, ...new Uint8Array(31));

/** A key that exists nowhere else: a pool looks at its share and its ids. */
function keyNumber(number: number): ActiveKey {
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
    name: `key ${number}`,
    owner: alice.xid,
    keyId: new Uint8Array(32).fill(number),
    version: 1,
    policy: { ...policy, kinds: [] },
    context,
    share,
  };
}

/** Rows for keys 1 and 2, so that nonces can refer to them. */
async function insertKeys({ storage, accounts }: ServerContext): Promise<void> {
  await storage.transact(async (transaction) => {
    await accounts.open(transaction, alice, null);
    for (const { owner, keyId } of [1, 2].map(keyNumber)) {
      const sealed = new Uint8Array(64);
      await transaction.keys.insert({ owner, keyId, state: 'active', version: 1, createdAt: 0, sealed });
    }
  });
}

const names = (commitments: readonly NonceCommitment[]) => commitments.map(({ hiding }) => encodeHex(hiding));

/** What both pools promise. */
function promises(
  open: () => Promise<{ pool: NoncePool; use: <T>(work: (t: Transaction) => Promise<T>) => Promise<T> }>,
) {
  const one = keyNumber(1);

  test('no two commitments are alike', async () => {
    const { pool, use } = await open();
    const made = await use((t) => pool.issue(t, one, 50));
    expect(new Set([...names(made), ...made.map(({ binding }) => encodeHex(binding))]).size).toBe(100);
  });

  test('what is taken is gone', async () => {
    const { pool, use } = await open();
    const made = await use((t) => pool.issue(t, one, 2));
    expect(await use((t) => pool.take(t, one, made))).toHaveLength(2);
    expect(await use((t) => pool.take(t, one, made))).toBeNull();
  });

  test('V34: one commitment named twice in one attempt is given for neither, and is gone', async () => {
    const { pool, use } = await open();
    const [made] = await use((t) => pool.issue(t, one, 1));
    expect(await use((t) => pool.take(t, one, [made!, made!]))).toBeNull();
    expect(await use((t) => pool.take(t, one, [made!]))).toBeNull();
  });

  test('N10: one unknown commitment among good ones consumes them all', async () => {
    const { pool, use } = await open();
    const made = await use((t) => pool.issue(t, one, 2));
    const unknown = { hiding: new Uint8Array(32).fill(9), binding: made[0]!.binding };
    expect(await use((t) => pool.take(t, one, [made[0]!, unknown, made[1]!]))).toBeNull();
    expect(await use((t) => pool.take(t, one, [made[0]!]))).toBeNull();
    expect(await use((t) => pool.take(t, one, [made[1]!]))).toBeNull();
  });

  test('a commitment is good for its own key only', async () => {
    const { pool, use } = await open();
    const [made] = await use((t) => pool.issue(t, one, 1));
    expect(await use((t) => pool.take(t, keyNumber(2), [made!]))).toBeNull();
    expect(await use((t) => pool.take(t, one, [made!]))).toHaveLength(1);
  });

  test('never more than the cap are kept for one key', async () => {
    const { pool, use } = await open();
    const first = await use((t) => pool.issue(t, one, MAX_POOL));
    const [next] = await use((t) => pool.issue(t, one, 1));
    expect(await use((t) => pool.take(t, one, [first[0]!]))).toBeNull();
    expect(await use((t) => pool.take(t, one, [next!]))).toHaveLength(1);
  });
}

describe('nonces in memory', () => {
  const open = async (mostPairs?: number) => {
    const { context } = await network.open();
    const use = <T>(work: (t: Transaction) => Promise<T>) => context.storage.transact(work);
    return { pool: createMemoryPool(context, mostPairs), use };
  };
  promises(() => open());

  test('N4: another life of the server knows none of them', async () => {
    const { context } = await network.open();
    const key = keyNumber(1);
    const made = await createMemoryPool(context).issue(null, key, 1);
    expect(await context.storage.transact((t) => createMemoryPool(context).take(t, key, made))).toBeNull();
  });

  test('N1: a random source that repeats itself still gives other nonces', async () => {
    const { context } = await network.open();
    const stuck: ServerContext = {
      ...context,
      random: (length) => Uint8Array.from({ length }, (_, i) => i + 1),
    };
    const made = await createMemoryPool(stuck).issue(null, keyNumber(1), 5);
    expect(new Set(names(made)).size).toBe(5);
  });

  test('V70: when all shelves together are full, the fullest makes room', async () => {
    const { pool, use } = await open(64);
    const [small, large] = [keyNumber(1), keyNumber(2)];
    const mine = await pool.issue(null, small, 8);
    for (let i = 0; i < 10; i++) await pool.issue(null, large, 32);
    expect(await use((t) => pool.take(t, small, mine))).toHaveLength(8);
    expect(pool.wipe()).toBeLessThanOrEqual(64 + 32);
  });

  test('a wiped pool knows nothing any more', async () => {
    const { pool, use } = await open();
    const key = keyNumber(1);
    const made = await pool.issue(null, key, 3);
    expect(pool.wipe()).toBe(3);
    expect(await use((t) => pool.take(t, key, made))).toBeNull();
  });
});

describe.skipIf(postgresPrograms() === null)(
  'nonces as rows (skipped without initdb: set CKM_POSTGRES_BIN)',
  () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster.stop());

    const open = async () => {
      const { context } = await network.open({ databaseUrl: await cluster.createDatabase() });
      await insertKeys(context);
      const use = <T>(work: (t: Transaction) => Promise<T>) => context.storage.transact(work);
      return { pool: createRowPool(context), use };
    };
    promises(open);

    test('N3: a row that came back after its use is not used again', async () => {
      const { context } = await network.open({ databaseUrl: await cluster.createDatabase() });
      await insertKeys(context);
      const pool = createRowPool(context);
      const key = keyNumber(1);
      const rows: Parameters<Transaction['nonces']['insert']>[0][number][] = [];
      const made = await context.storage.transact((t) => {
        const insert: Transaction['nonces']['insert'] = async (inserted) => {
          rows.push(...inserted);
          return t.nonces.insert(inserted);
        };
        return pool.issue({ ...t, nonces: { ...t.nonces, insert } }, key, 1);
      });
      const take = (): Promise<readonly Secret<SigningNonces>[] | null> =>
        context.storage.transact((t) => pool.take(t, key, made));
      expect(await take()).toHaveLength(1);
      await context.storage.transact((t) => t.nonces.insert(rows));
      expect(await take()).toBeNull();
    });
  },
);

describe('what a pool remembers by itself', () => {
  test('the oldest uses are forgotten first, when there are too many', () => {
    const memory = createPoolMemory(2);
    const ids = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    expect(ids.map((id) => memory.noteUse([id]))).toEqual([true, true, true]);
    expect([ids[2]!, ids[1]!].map((id) => memory.noteUse([id]))).toEqual([false, false]);
    expect(memory.noteUse([ids[0]!])).toBe(true);
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
