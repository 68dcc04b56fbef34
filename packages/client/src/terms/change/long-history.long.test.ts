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
import { createKeyLife, type KeyLife, NAMES } from '../../test/key-life.js';
import { NAME, REFRESH } from '../../test/owned-key.js';

let life: KeyLife;
afterEach(() => life.close());

/** More than a client once read. */
const MANY = 270;

test('a key whose terms have changed hundreds of times since they were certified is known to its owner, and read once', async () => {
  const names = NAMES.slice(0, 2);
  life = await createKeyLife(names, 2, 0);
  const { client, keyId } = life;
  let before = (await client.showKey(NAME)).record.policy;
  const goOn = async (count: number) => {
    for (let at = 0; at < count; at++) {
      const after: KeyTerms = {
        ...before,
        rateLimit: { count: 1_000 - versionOf(before), perSeconds: 3_600 },
        version: versionOf(before) + 1,
        previous: policyHash(before),
      };
      const step = changeOfTerms({ keyId, id: new Uint8Array(32).fill(at % 256) }, before, after);
      const link = { statement: encodeTermsChange(step), terms: encodeTerms(after), votes: [] };
      for (const name of names) await (await life.callerOf(name)).call('terms.propose', { keyId, ...link });
      before = after;
    }
  };
  const isKnown = async () => {
    const { servers, history, apart } = await client.showTerms(NAME);
    expect(apart).toEqual([]);
    expect(servers.map(({ verdict, version }) => [verdict, version])).toEqual(
      names.map(() => ['has', versionOf(before)]),
    );
    expect(history.at(-1)).toMatchObject({ isInForce: true, terms: { version: versionOf(before) } });
  };
  await goOn(MANY);
  await isKnown();
  // What is on record is read no more: a page of what is behind it is all.
  await client.alive();
  await goOn(3);
  life.network.makeHonest();
  await isKnown();
  for (const name of names) expect(life.network.server(name).asked).toEqual(['terms.show']);
  await client.changeKey(REFRESH);
  expect((await client.showKey(NAME)).record.policy).toEqual(before);
}, 300_000);
