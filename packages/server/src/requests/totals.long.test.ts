// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestReply, UseRule } from '@ckm/api';
import { createQuorumSigner, type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { putInForce, termsWith } from '../sessions/test/terms.js';
import { alice, createBareServers, makeKey, type MadeKey, SOON } from '../sessions/test/bare-servers.js';
import type { BareCaller, BareServer } from '../sessions/test/bare-server.js';
import { payment } from '../sessions/test/payment.js';

const network = createBareServers();
afterEach(() => network.close());

const DAY = 86_400;
const SATS = 10_000n;
/** So many payments a day, and not one more, whoever says what. */
const LIMIT = 5;
const RULES: UseRule[] = [
  { when: { total: 'amountSats', within: DAY, atMost: LIMIT * Number(SATS) }, needed: 0, of: [] },
];
const bitcoin = { purpose: 'bitcoin', suite: 'secp256k1-tr', policy: termsWith(RULES) } as const;
const id = (number: number) => new Uint8Array(32).fill(number + 1);

/** One payment, with fresh commitments of those who are to sign it. */
async function ask({ signer, key }: MadeKey, number: number, signers: readonly number[]) {
  const asked = { ...payment(key, SATS, [9_000n]), requestId: id(number) };
  const attempt = await signer.prepare(signers);
  return { asked, attempt };
}

/** `OK`: a share was given; else the code with which it was refused, or what became of it. */
const codeOf = (promise: Promise<RequestReply>): Promise<string> =>
  promise.then(
    ({ answer, state }) => (answer === null ? state : 'OK'),
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

const counted = (codes: readonly string[]) =>
  Object.fromEntries(
    [...new Set(codes)].sort().map((code) => [code, codes.filter((one) => one === code).length]),
  );

test('P13: of 32 payments that are asked for at once as many go as fit, at a server of SQLite', async () => {
  const { callers } = await network.openMany(2);
  const made = await makeKey(callers, bitcoin);
  const prepared = await Promise.all(Array.from({ length: 32 }, (_, number) => ask(made, number, [1, 2])));
  const codes = await Promise.all(
    prepared.map(({ asked, attempt }) => codeOf(made.signer.request(1, asked, { attempt }))),
  );
  expect(counted(codes)).toEqual({ OK: LIMIT, POLICY_NO_RULE: 32 - LIMIT });
}, 60_000);

test('P13: all of them are let in to wait for their turn, and the sum is looked at again before each share; a share that was given is given again', async () => {
  const { callers } = await network.openMany(2);
  const made = await makeKey(callers, bitcoin);
  const prepared = [];
  for (let number = 0; number < LIMIT + 2; number++) prepared.push(await ask(made, number, [1, 2]));
  for (const { asked } of prepared) expect((await made.signer.request(1, asked, {})).state).toBe('ready');
  const codes = [];
  for (const { asked, attempt } of prepared)
    codes.push(await codeOf(made.signer.request(1, asked, { attempt })));
  expect(counted(codes)).toEqual({ OK: LIMIT, POLICY_NO_RULE: 2 });
  for (const { asked } of prepared.slice(0, LIMIT)) {
    const again = { ...(await made.signer.prepare([1, 2])), number: 2 };
    expect((await made.signer.request(1, asked, { attempt: again })).answer).not.toBeNull();
  }
}, 60_000);

/** A key of three of five, of whose servers so many go by no rules. */
async function threeOfFive(liars: number) {
  const { servers, callers } = await network.openMany(5);
  const made = await makeKey(callers, { ...bitcoin, needed: 3 });
  const { policy } = await callers[0]!.call('key.show', { keyId: made.keyId });
  const { approvals: _rules, ...lax } = policy;
  for (const server of servers.slice(0, liars)) await putInForce(server, made.keyId, lax);
  return { servers, callers, made };
}

/** All threes of five. */
const SUBSETS = [1, 2, 3, 4, 5].flatMap((a) =>
  [1, 2, 3, 4, 5].flatMap((b) => [1, 2, 3, 4, 5].flatMap((c) => (a < b && b < c ? [[a, b, c]] : []))),
);

test.each([0, 1, 2])(
  'P13: with %i liars among three of five no more is signed than ⌊(n − m)·limit/(t − m)⌋, whatever subsets are asked, and so much is',
  async (liars) => {
    const { made } = await threeOfFive(liars);
    const bound = Math.floor(((5 - liars) * LIMIT) / (3 - liars));
    const left = new Map(
      [1, 2, 3, 4, 5].map((slot) => [slot, slot <= liars ? Number.POSITIVE_INFINITY : LIMIT]),
    );
    let signed = 0;
    let number = 0;
    const trySubset = async (signers: readonly number[]): Promise<boolean> => {
      const { asked, attempt } = await ask(made, number++, signers);
      const codes = [];
      for (const slot of signers) codes.push(await codeOf(made.signer.request(slot, asked, { attempt })));
      for (const [i, slot] of signers.entries()) if (codes[i] === 'OK') left.set(slot, left.get(slot)! - 1);
      return codes.every((code) => code === 'OK');
    };
    // Whoever has most left is asked: so nothing is lost to a payment that comes to nothing.
    for (;;) {
      const best = [...left].sort(([, a], [, b]) => b - a).slice(0, 3);
      if (best.some(([, rest]) => rest <= 0)) break;
      if (await trySubset(best.map(([slot]) => slot).sort((a, b) => a - b))) signed++;
    }
    expect(signed).toBe(bound);
    for (const signers of SUBSETS) if (await trySubset(signers)) signed++;
    expect(signed).toBe(bound);
  },
  120_000,
);

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

  test('P13: of 32 payments that are asked for at once at both, as many go as fit', async () => {
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      name: 'alpha',
      databaseUrl: await cluster.createDatabase(),
      seed: new Uint8Array(randomBytes(32)),
      storageKey: new Uint8Array(randomBytes(32)),
      settings: { epochKeys },
    };
    const twins: BareServer[] = [await network.open(shared), await network.open(shared)];
    const at: BareCaller[] = [];
    for (const twin of twins) at.push(await twin.as(alice));
    const bravo = await (await network.open({ name: 'bravo' })).as(alice);
    const made = await makeKey([at[0]!, bravo], bitcoin);
    const through = (twin: number): MadeKey => {
      const { keyId, key } = made;
      const servers = [at[twin]!, bravo];
      return {
        ...made,
        signer: createQuorumSigner({ servers, keyId, key, purpose: 'bitcoin', expiresAt: SOON }),
      };
    };
    const prepared = [];
    for (let number = 0; number < 32; number++) prepared.push(await ask(through(number % 2), number, [1, 2]));
    const codes = await Promise.all(
      prepared.map(({ asked, attempt }, number) =>
        codeOf(through(number % 2).signer.request(1, asked, { attempt })),
      ),
    );
    expect(codes.filter((code) => code === 'OK')).toHaveLength(LIMIT);
    expect(codes.filter((code) => code !== 'OK' && code !== 'POLICY_NO_RULE')).toEqual([]);
  }, 120_000);
});
