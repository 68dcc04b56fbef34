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

/** Has the key used more often, at these servers alone. */
async function loosen(before: KeyTerms, count: number, names: readonly string[]): Promise<KeyTerms> {
  const after: KeyTerms = {
    ...before,
    expiresAt: 1_900_000_000 + count,
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const { keyId } = life;
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(++drawn) }, before, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
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
  await life.client.changeKey(REFRESH);
  for (const name of SERVERS)
    expect(await standing(name)).toMatchObject({ version: 1, certified: 1, hash: policyHash(loose) });
  expect(await certifiedHere()).toEqual(loose);
  expect(await sign()).toHaveLength(2);
}, 120_000);
