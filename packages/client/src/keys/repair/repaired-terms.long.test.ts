// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseHead,
  parseTerms,
  policyHash,
  versionOf,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import { loseDisk } from '../../test/disks.js';
import { createKeyLife, type KeyLife, NAMES } from '../../test/key-life.js';
import { NAME } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const SERVERS = NAMES.slice(0, 3);
const inForce = async (name: string): Promise<KeyTerms> => {
  const { terms } = await (await life.callerOf(name)).call('terms.show', { keyId: life.keyId, after: null });
  return parseTerms(terms, REQUEST_FACTS);
};

async function limit(name: string, count: number): Promise<void> {
  const before = await inForce(name);
  const after = {
    ...before,
    rateLimit: { count, perSeconds: 3_600 },
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const { keyId } = life;
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(count) }, before, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  await (await life.callerOf(name)).call('terms.propose', { keyId, ...link });
}

/** Whether it knows how far the key is. */
async function isSure(name: string): Promise<boolean> {
  const asked = { keyId: life.keyId, nonce: new Uint8Array(32) };
  return parseHead((await (await life.callerOf(name)).call('key.head', asked)).head).isSure;
}

test('L8: a server whose disk is gone judges nothing by the certified terms before the others have said which are in force', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  const { client, network } = life;
  for (const name of SERVERS) for (const count of [90, 80]) await limit(name, count);
  await loseDisk(network.server('bravo'));
  await life.repair('bravo');
  expect(versionOf(await inForce('bravo'))).toBe(0);
  expect(await isSure('bravo')).toBe(false);
  // What others would call looser is put in force by nobody who knows better.
  await expect(limit('bravo', 500)).rejects.toMatchObject({ code: 'KEY_HEAD_UNKNOWN' });
  // With one of the others only it is not used: two of three are needed to say it.
  network.cut('charlie');
  const alone = client.sign({ key: NAME, ...messageOf('one'), without: ['charlie'] });
  await expect(alone).rejects.toThrow();
  expect(await isSure('bravo')).toBe(false);
  // With both its client brings what it has missed, and it says yes under those.
  network.makeHonest();
  const signed = await client.sign({ key: NAME, ...messageOf('two'), without: ['charlie'] });
  expect(signed.signers).toHaveLength(2);
  expect((await inForce('bravo')).rateLimit).toMatchObject({ count: 80 });
  expect(await isSure('bravo')).toBe(true);
}, 240_000);

test('one whose share alone is gone keeps the terms that it has in force, and asks nobody for them', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  for (const name of SERVERS) await limit(name, 90);
  await life.loseShare('bravo');
  await life.repair('bravo');
  expect((await inForce('bravo')).rateLimit).toMatchObject({ count: 90 });
  expect(await isSure('bravo')).toBe(true);
}, 240_000);
