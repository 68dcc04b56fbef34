// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHead, headStatement, parseHead, signIdentityStatement, type UseRule } from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';
import {
  backUp,
  bringBack,
  changeTo,
  type CountedKey,
  gatherHeads,
  makeCountedKey,
  orderChange,
  signerOf,
  slotsOf,
  tellCounts,
} from '../../test/counted-key.js';
import { loseShareAt } from '../../test/lost-share.js';
import { payment } from '../../test/payment.js';
import { createRepairCourier } from '../../test/repair-courier.js';
import { putInForce, termsWith } from '../../test/terms.js';

const network = createBareServers();
let now = TEST_TIME;
beforeEach(() => {
  now = TEST_TIME;
});
afterEach(() => network.close());

const DAY = 86_400;
const WEEK = 7 * DAY;
const SATS = 10_000n;
/** So many payments a week without anybody, and not one more. */
const LIMIT = 4;
const RULES: UseRule[] = [
  { when: { total: 'amountSats', within: WEEK, atMost: LIMIT * Number(SATS) }, needed: 0, of: [] },
];
const [ALPHA, BRAVO, CHARLIE, DELTA] = [0, 1, 2, 3] as const;

const TERMS = termsWith(RULES, { change: { needed: 0, of: [], delaySeconds: DAY, words: 30 * DAY } });

const makeSummedKey = (count = 3, of = count) =>
  makeCountedKey(network, {
    count,
    of,
    rateLimit: null,
    terms: TERMS,
    made: { purpose: 'bitcoin', suite: 'secp256k1-tr' },
    server: { now: () => now },
  });

/** `OK`: all of these signed one payment more; else the first code with which it was refused. */
async function pay(key: CountedKey, places: readonly number[]): Promise<string> {
  const signer = await signerOf(key);
  const slots = slotsOf(key, places);
  const ask = { ...payment(key.made.key, SATS, [9_000n]), requestId: new Uint8Array(randomBytes(32)) };
  try {
    const attempt = await signer.prepare(slots);
    for (const slot of slots) await signer.request(slot, ask, { attempt });
    return 'OK';
  } catch (error) {
    return (error as CkmError).code;
  }
}

/** How many payments these sign until one of them refuses. */
async function payAll(key: CountedKey, places: readonly number[]): Promise<number> {
  for (let paid = 0; ; paid++) {
    const code = await pay(key, places);
    if (code === 'OK') continue;
    expect(code).toBe('POLICY_NO_RULE');
    return paid;
  }
}

async function payTimes(key: CountedKey, places: readonly number[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect(await pay(key, places)).toBe('OK');
}

/** Alpha as it was before payments that it signed with bravo. */
async function alphaBack(times: number): Promise<CountedKey> {
  const key = await makeSummedKey();
  const old = await backUp(key, ALPHA);
  await payTimes(key, [ALPHA, BRAVO], times);
  now += 1;
  await bringBack(key, ALPHA, old);
  return key;
}

const BOTH = [BRAVO, CHARLIE];

describe('P14: sums over a window', () => {
  test('of a server that came back are what n − t + 1 others say: it signs what is left, and says so in its log', async () => {
    const key = await alphaBack(3);
    await tellCounts(key, ALPHA, BOTH);
    expect(await payAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 3);
    const { context } = key.servers[ALPHA]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(lines.filter(({ deed }) => deed === 'key.heads').map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/, 30000 of amountSats in 7 d$/),
    ]);
  });

  test('are spent until others have said how much it was; who was heard and could not tell is asked anew ten minutes later', async () => {
    const key = await alphaBack(3);
    const heads = await gatherHeads(key, ALPHA, BOTH, []);
    await key.callers[ALPHA]!.call('key.heads', { keyId: key.keyId, heads });
    expect(await pay(key, [ALPHA, CHARLIE])).toBe('POLICY_NO_RULE');
    now += 600;
    expect(await pay(key, [ALPHA, CHARLIE])).toBe('POLICY_COUNT_UNKNOWN');
    // One of two that are needed cannot tell: it goes on without.
    await tellCounts(key, ALPHA, [BRAVO]);
    expect(await pay(key, [ALPHA, CHARLIE])).toBe('POLICY_NO_RULE');
    now += 600;
    await tellCounts(key, ALPHA, BOTH);
    expect(await payAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 3);
  });

  test('of a server that joins are what those before it say', async () => {
    const key = await makeSummedKey(4, 3);
    await payTimes(key, [ALPHA, BRAVO], 3);
    await orderChange(key, [BRAVO, CHARLIE, DELTA], 2);
    // What grants something is counted while servers run, in small steps.
    for (let passed = 0; passed <= DAY; passed += 600) {
      now += 600;
      for (const { sessions } of key.servers) await sessions.sweep();
    }
    await changeTo(key, [BRAVO, CHARLIE, DELTA], 2);
    const [slot] = slotsOf(key, [DELTA]);
    const ask = payment(key.made.key, SATS, [9_000n]);
    await expect((await signerOf(key)).request(slot!, ask, {})).rejects.toMatchObject({
      code: 'POLICY_COUNT_UNKNOWN',
    });
    await tellCounts(key, DELTA, BOTH);
    expect(await payAll(key, [CHARLIE, DELTA])).toBe(LIMIT - 3);
  });

  test('of a server whose share was repaired are what the others say', async () => {
    const key = await makeSummedKey();
    const { servers, callers, made, keyId } = key;
    const { policy } = await callers[ALPHA]!.call('key.show', { keyId });
    await payTimes(key, [ALPHA, BRAVO], 3);
    now += 1;
    await loseShareAt(network, servers, callers, keyId, BRAVO + 1, 'keys');
    const repair = createRepairCourier({
      servers,
      callers,
      made,
      policy,
      target: BRAVO + 1,
      helpers: [ALPHA + 1, CHARLIE + 1],
      expiresAt: now + 600,
    });
    await repair.begin();
    await repair.finish();
    expect(await pay(key, [BRAVO, CHARLIE])).toBe('POLICY_COUNT_UNKNOWN');
    await tellCounts(key, BRAVO, [ALPHA, CHARLIE]);
    expect(await payAll(key, [BRAVO, CHARLIE])).toBe(LIMIT - 3);
  });

  test('that others told count whole until their window is over, and then what was seen here', async () => {
    const key = await alphaBack(3);
    await tellCounts(key, ALPHA, BOTH);
    now += WEEK - 1;
    expect(await payAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 3);
    now += 2;
    expect(await payAll(key, [ALPHA, CHARLIE])).toBe(LIMIT - 1);
  });

  test('with one liar and one server that came back let three times the limit of 2 of 3 go, and not a payment more', async () => {
    const key = await makeSummedKey();
    const { approvals: _rules, ...lax } = (await key.callers[BRAVO]!.call('key.show', { keyId: key.keyId }))
      .policy;
    const old = await backUp(key, ALPHA);
    // Bravo goes by no rules, and says of itself that it let nothing in.
    await putInForce(key.servers[BRAVO]!, key.keyId, lax);
    let paid = await payAll(key, [ALPHA, BRAVO]);
    now += 1;
    await bringBack(key, ALPHA, old);
    const [bravo, charlie] = await gatherHeads(key, ALPHA, BOTH);
    const said = parseHead(bravo!.head);
    const counts = said.counts!.map((one) => ({ ...one, count: 0 }));
    const head = encodeHead({ ...said, counts });
    const { identity } = key.servers[BRAVO]!.context;
    const signature = signIdentityStatement(identity, headStatement(head));
    await key.callers[ALPHA]!.call('key.heads', {
      keyId: key.keyId,
      heads: [{ ...bravo!, head, signature }, charlie!],
    });
    paid += await payAll(key, [ALPHA, BRAVO]);
    paid += await payAll(key, [BRAVO, CHARLIE]);
    expect(paid).toBe(3 * LIMIT);
    for (const places of [[ALPHA, BRAVO], [ALPHA, CHARLIE], BOTH])
      expect(await pay(key, places)).toBe('POLICY_NO_RULE');
  });
});

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';

describe.skipIf(!isHere)(`two replicas on one PostgreSQL${reason}`, () => {
  let cluster: PostgresCluster;
  const folders: string[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => {
    await cluster.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  test('P13: that came back both go by one sum that was told to one of them: of 16 payments at once as many go as are left', async () => {
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      name: 'alpha',
      databaseUrl: await cluster.createDatabase(),
      seed: new Uint8Array(randomBytes(32)),
      storageKey: new Uint8Array(randomBytes(32)),
      settings: { epochKeys },
      now: () => now,
    };
    const twins = [await network.open(shared), await network.open(shared)];
    const others = [
      await network.open({ name: 'bravo', now: () => now }),
      await network.open({ name: 'charlie', now: () => now }),
    ];
    const at = [await twins[0]!.as(alice), await twins[1]!.as(alice)];
    const rest = await Promise.all(others.map((server) => server.as(alice)));
    const policy = { ...TERMS, changes: 'automatic', changeDelay: 0 } as const;
    const made = await makeKey([at[0]!, ...rest], { purpose: 'bitcoin', suite: 'secp256k1-tr', policy });
    const through = (twin: number): CountedKey => ({
      network,
      servers: [twins[twin]!, ...others],
      callers: [at[twin]!, ...rest],
      made,
      keyId: made.keyId,
      rosters: [[ALPHA, BRAVO, CHARLIE]],
    });
    await payTimes(through(0), [ALPHA, BRAVO], 1);
    now += 1;
    await twins[0]!.sessions.voidOpen('the database is an older one');
    await tellCounts(through(1), ALPHA, BOTH);
    const codes = await Promise.all(
      Array.from({ length: 16 }, (_, number) => pay(through(number % 2), [ALPHA, CHARLIE])),
    );
    expect(codes.filter((code) => code === 'OK')).toHaveLength(LIMIT - 1);
    expect(codes.filter((code) => code !== 'OK' && code !== 'POLICY_NO_RULE')).toEqual([]);
  }, 120_000);
});
