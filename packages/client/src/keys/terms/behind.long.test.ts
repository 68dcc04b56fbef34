// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  policyHash,
  versionOf,
} from '@ckm/api';
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME, REFRESH, SERVERS } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const DAY = 86_400;
let drawn = 0;

/** Has the key end later, at these servers alone. */
const loosen = (before: KeyTerms, count: number, names: readonly string[]) =>
  change(before, { expiresAt: 1_900_000_000 + count }, names);

async function change(
  before: KeyTerms,
  more: Partial<KeyTerms>,
  names: readonly string[],
): Promise<KeyTerms> {
  const after: KeyTerms = {
    ...before,
    ...more,
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const { keyId } = life;
  const step = changeOfTerms({ keyId, id: new Uint8Array(32).fill(++drawn) }, before, after);
  const link = { statement: encodeTermsChange(step), terms: encodeTerms(after), votes: [] };
  for (const name of names) await (await life.callerOf(name)).call('terms.propose', { keyId, ...link });
  return after;
}

const standing = async (name: string) =>
  (await life.callerOf(name)).call('terms.show', { keyId: life.keyId, after: null });
const sign = async () => (await life.client.sign({ key: NAME, ...messageOf('hello') })).signers;
const certifiedHere = async () => (await life.client.showKey(NAME)).record.policy;

test('a server that is behind by a loosening takes it over without a delay of its own where a change is ordered and enough others have it', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  const first = await certifiedHere();
  const [alpha, bravo, charlie] = SERVERS;
  const loose = await loosen(first, 70, [alpha!, bravo!]);
  await life.pass(3 * DAY + 3_600);
  expect(await standing(alpha!)).toMatchObject({ version: 1 });
  expect(await standing(charlie!)).toMatchObject({ version: 0, waiting: null });
  // A plan sends nothing.
  expect((await life.client.planChange(REFRESH)).order.termsVersion).toBe(1);
  expect(await standing(charlie!)).toMatchObject({ version: 0, waiting: null });
  await life.client.changeKey(REFRESH);
  for (const name of SERVERS)
    expect(await standing(name)).toMatchObject({ version: 1, certified: 1, hash: policyHash(loose) });
  expect(await certifiedHere()).toEqual(loose);
  expect(await sign()).toHaveLength(2);
}, 120_000);

test('a server that is behind by more tightenings than one message holds is brought all of them', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  const [alpha, bravo, charlie] = SERVERS;
  let terms = await certifiedHere();
  for (const count of [960, 950, 940, 930, 920, 910])
    terms = await change(terms, { rateLimit: { count, perSeconds: 3_600 } }, [alpha!, bravo!]);
  expect(await standing(charlie!)).toMatchObject({ version: 0 });
  await life.client.changeKey(REFRESH);
  for (const name of SERVERS)
    expect(await standing(name)).toMatchObject({ version: 6, certified: 6, hash: policyHash(terms) });
}, 120_000);

test('a server that has another change of one number goes over to the one that more have where a change is ordered', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  const [alpha, bravo, charlie] = SERVERS;
  const first = await certifiedHere();
  const limit = (count: number) => ({ rateLimit: { count, perSeconds: 3_600 } });
  const terms = await change(first, limit(900), [alpha!, bravo!]);
  await change(first, limit(800), [charlie!]);
  expect((await life.client.planChange(REFRESH)).order.termsVersion).toBe(1);
  await life.client.changeKey(REFRESH);
  for (const name of SERVERS)
    expect(await standing(name)).toMatchObject({ version: 1, certified: 1, hash: policyHash(terms) });
  expect(await sign()).toHaveLength(2);
}, 120_000);
