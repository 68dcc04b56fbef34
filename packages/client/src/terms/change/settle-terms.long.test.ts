// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseTerms,
  policyHash,
  versionOf,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife, NAMES } from '../../test/key-life.js';
import { NAME, REFRESH } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const DAY = 86_400;
let drawn = 0;

/** A thief has a limit of its own in force at each of these servers. */
async function tighten(before: KeyTerms, count: number, name: string): Promise<KeyTerms> {
  const after: KeyTerms = {
    ...before,
    rateLimit: { count, perSeconds: 3_600 },
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const { keyId } = life;
  const step = changeOfTerms({ keyId, id: new Uint8Array(32).fill(++drawn) }, before, after);
  const link = { statement: encodeTermsChange(step), terms: encodeTerms(after), votes: [] };
  await (await life.callerOf(name)).call('terms.propose', { keyId, ...link });
  return after;
}

const standing = async (name: string) =>
  (await life.callerOf(name)).call('terms.show', { keyId: life.keyId, after: null });
const certifiedHere = async () => (await life.client.showKey(NAME)).record.policy;
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'OK',
    ({ code }: { code: string }) => code,
  );

const quorums = [
  [2, 2],
  [2, 3],
  [3, 5],
] as const;

test.each(quorums)(
  'C2: %s of %s that are apart go by one text again, and get new shares under it',
  async (needed, of) => {
    const names = NAMES.slice(0, of);
    life = await createKeyLife(names, needed, 0);
    const first = await certifiedHere();
    for (const [at, name] of names.entries()) {
      const one = await tighten(first, 900 - at, name);
      // One of them is further on its way than the others.
      if (at === 0) await tighten(one, 800, name);
    }
    const { client } = life;
    const shown = await client.showTerms(NAME);
    expect(shown.apart.map(({ have }) => have)).toEqual(names.map((name) => [name]));
    expect((await client.planChange(REFRESH)).order.termsVersion).toBe(0);
    const plan = await client.planSettling(NAME, { by: 'before' });
    expect(plan).toMatchObject({ way: 'waits', delaySeconds: 3 * DAY, goesOn: false });
    for (const name of names) expect((await standing(name)).waiting).toBeNull();
    const settled = await client.settleTerms(NAME, { by: 'before' });
    expect(settled).toMatchObject({ version: 3, isInForce: false });
    expect(settled.servers.map(({ verdict }) => verdict)).toEqual(names.map(() => 'waits'));
    await life.pass(3 * DAY + 3_600);
    for (const name of names) expect(await standing(name)).toMatchObject({ version: 3, waiting: null });
    expect((await client.showTerms(NAME)).apart).toEqual([]);
    expect(await codeOf(client.planSettling(NAME, { by: 'before' }))).toBe('TERMS_NOT_APART');
    await client.changeKey(REFRESH);
    expect((await certifiedHere()).rateLimit).toEqual(first.rateLimit);
    expect((await client.sign({ key: NAME, ...messageOf('hello') })).signers).toHaveLength(needed);
  },
  240_000,
);

test('at once as the tightest of them, also where one was away, who is brought there later', async () => {
  const names = NAMES.slice(0, 3);
  life = await createKeyLife(names, 2, 0);
  const first = await certifiedHere();
  for (const [at, name] of names.entries()) await tighten(first, 900 - at, name);
  const { client, network } = life;
  network.cut('alpha');
  const settled = await client.settleTerms(NAME, { by: 'server', server: 'charlie' });
  expect(settled).toMatchObject({ version: 2, isInForce: true });
  network.makeHonest();
  // He went on meanwhile, and is further than what the others have settled on.
  for (const count of [700, 600]) await tighten(await parsed('alpha'), count, 'alpha');
  await client.changeKey(REFRESH);
  for (const name of names) expect(await standing(name)).toMatchObject({ version: 2, certified: 2 });
  expect((await certifiedHere()).rateLimit).toMatchObject({ count: 898 });
}, 120_000);

test('n of n: what reached one server alone is brought to the others by any client that may, as its own', async () => {
  const names = NAMES.slice(0, 2);
  life = await createKeyLife(names, 2, 0);
  await tighten(await certifiedHere(), 900, 'alpha');
  const { client } = life;
  expect((await client.showTerms(NAME)).apart).toEqual([]);
  const wish = { by: 'server', server: 'alpha' } as const;
  expect(await client.planSettling(NAME, wish)).toMatchObject({ way: 'atOnce', loosened: [] });
  expect(await client.settleTerms(NAME, wish)).toMatchObject({ version: 2, isInForce: true });
  for (const name of names) expect(await standing(name)).toMatchObject({ version: 2, waiting: null });
  await client.changeKey(REFRESH);
  expect((await certifiedHere()).rateLimit).toMatchObject({ count: 900 });
}, 120_000);

async function parsed(name: string): Promise<KeyTerms> {
  const { terms } = await standing(name);
  return parseTerms(terms, REQUEST_FACTS);
}
