import { encodeHex } from '@ckm/foundation';
import { createKeyDesk } from '@ckm/server/test';
import { afterEach, expect, test } from 'vitest';
import { httpCarrier } from '../carrier/http-carrier.js';
import type { Client } from '../client.js';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';
import { carryFreezePaper } from './carry-freeze.js';
import { keyOfOwner } from './test/key-of-owner.js';

const DAY = 86_400;
let network: TestNetwork;
afterEach(() => network.close());

async function savings(): Promise<Client> {
  network = await createTestNetwork(3);
  return (await keyOfOwner(network)).client;
}

const carry = (text: string) =>
  carryFreezePaper(text, { carrier: httpCarrier(network.send), clock: () => network.now, timeoutMs: 1_000 });

test('a paper freeze works once, from anywhere, without a device', async () => {
  const client = await savings();
  const sign = (text: string) => client.sign({ key: 'savings', ...messageOf(text) });
  const paper = await client.prepareFreeze('savings');
  expect(paper).toMatchObject({ key: 'savings', by: 'words', stopping: 2 });
  await sign('nothing is stopped yet');
  network.now += 400 * DAY;
  network.cut('bravo');
  network.cut('charlie');
  const few = await carry(paper.text);
  expect(few.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'silent', 'silent']);
  expect(few.isStopped).toBe(false);
  network.makeHonest();
  // As a scanner reads it off a page.
  const printed = `A freeze of the key savings\n\n${paper.text.toUpperCase()}\n`;
  const all = await carry(printed);
  expect(all).toMatchObject({ key: 'savings', isStopped: true, stopping: 2 });
  expect(all.servers.map(({ until }) => until)).toEqual(Array(3).fill(network.now + 7 * DAY));
  await expect(sign('thief')).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
  for (const { bare } of network.servers) await createKeyDesk(bare).thaw(encodeHex(paper.keyId), null);
  await sign('thawed');
  const again = await carry(paper.text);
  expect(again.servers.map(({ verdict, code }) => [verdict, code])).toEqual(
    Array.from({ length: 3 }, () => ['refused', 'FREEZE_OVER']),
  );
});

test('a server that is another one is told nothing, and what is no paper is refused', async () => {
  const client = await savings();
  const { text } = await client.prepareFreeze('savings');
  const alpha = network.server('alpha');
  alpha.identity = network.server('bravo').identity;
  const told = await carry(text);
  expect(told.servers[0]).toMatchObject({ verdict: 'refused', code: 'SERVER_IDENTITY_CHANGED' });
  for (const wrong of ['', 'ur:envelope/', text.slice(0, -9), `x${'y'.repeat(100)}`])
    await expect(carry(wrong)).rejects.toMatchObject({ code: 'FREEZE_PAPER_INVALID' });
});

test('a key whose terms name no owner key has no paper', async () => {
  network = await createTestNetwork(3);
  const client = await network.owner();
  const servers = ['alpha', 'bravo', 'charlie'];
  await client.createKey({ name: 'ink', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
  await expect(client.prepareFreeze('ink')).rejects.toMatchObject({ code: 'KEY_OWNER_MISSING' });
});
