import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  policyHash,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { identityForServer } from '../seed/identity.js';
import { keyOwnerIdentity } from '../seed/key-owner.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  OWNER_SEED,
  recordsOf,
  type TestNetwork,
} from '../test/test-network.js';
import { saveAliveRecord } from './alive-record.js';
import { keyOfOwner } from './test/key-of-owner.js';

const DAY = 86_400;
let network: TestNetwork;
afterEach(() => network.close());

const eve = {
  name: 'eve',
  xid: new Uint8Array(32).fill(5),
  keys: [{ kind: 'ed25519' as const, key: new Uint8Array(32).fill(6) }],
};
const withHeirs = {
  approvers: [eve],
  silence: { afterSeconds: 100 * DAY, grants: [{ who: 'eve', may: ['use' as const] }] },
};

async function open(terms: Parameters<typeof keyOfOwner>[1] = withHeirs, store = memoryStore()) {
  network = await createTestNetwork(3);
  return keyOfOwner(network, terms, store);
}

test('L3: a sign of life goes to all servers, whichever of them are used; who has not heard is named, and hears it when it is back', async () => {
  const { client } = await open();
  network.cut('charlie');
  const [first] = await client.alive();
  expect(first).toMatchObject({ key: 'savings', outcome: 'told', afterSeconds: 100 * DAY });
  expect(first!.servers.map(({ server, isHeard }) => [server, isHeard])).toEqual([
    ['alpha', true],
    ['bravo', true],
    ['charlie', false],
  ]);
  network.makeHonest();
  const deaf = async () =>
    (await client.diagnose()).filter(({ text }) => text.includes('sign of life')).map(({ text }) => text);
  expect((await deaf())[0]).toContain('charlie (never)');
  const [second] = await client.alive();
  expect(second!.servers.every(({ isHeard }) => isHeard)).toBe(true);
  expect(await deaf()).toEqual(['every server has heard a sign of life from here']);
  network.now += 11 * DAY;
  expect((await deaf())[0]).toContain('alpha');
});

test('a command that does something gives one too, to whoever answered it, once a day', async () => {
  const { client, callers, keyId } = await open();
  await client.sign({ key: 'savings', ...messageOf('a day’s work') });
  const asked = () =>
    network.servers.map(({ asked: names }) => names.filter((one) => one === 'alive.carry').length);
  expect(asked()).toEqual([0, 0, 0]);
  await client.close();
  const told = asked();
  expect(told.filter((count) => count === 1).length).toBeGreaterThanOrEqual(2);
  expect((await callers[0]!.call('key.life', { keyId })).silence).toMatchObject({ silentSeconds: 0 });
});

test('a key without heirs is told nothing, and the key of no name is unknown', async () => {
  const { client } = await open({});
  expect(await client.alive()).toEqual([]);
  await expect(client.alive('nothing')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  await expect(client.alive('savings')).rejects.toMatchObject({ code: 'KEY_WITHOUT_HEIRS' });
});

test('whoever has said it with a clock that was ahead keeps nobody with the same words from being heard; a single server that says so is named', async () => {
  const store = memoryStore();
  const { client, keyId, callers } = await open(withHeirs, store);
  const elsewhere = await network.owner({ store: await copyStore(store) });
  const ahead = network.now + 365 * DAY;
  await saveAliveRecord(recordsOf(store), { keyId, number: ahead, heard: [] });
  expect((await client.alive())[0]!.servers.every(({ isHeard }) => isHeard)).toBe(true);
  const silent = async () => (await callers[0]!.call('key.life', { keyId })).silence!.silentSeconds;
  network.now += 1_000;
  await network.server('alpha').bare.sessions.sweep();
  const [second] = await elsewhere.alive();
  expect(second!.servers.map(({ isHeard }) => isHeard)).toEqual([true, true, true]);
  expect(await silent()).toBe(0);
  const taken: number[] = [];
  network.server('alpha').tamper = async ({ name }, honest) => {
    const said = await honest();
    if (name !== 'alive.carry') return said;
    taken.push((said as { readonly number: number }).number);
    return { number: 2 ** 40 };
  };
  const [third] = await elsewhere.alive();
  expect(third!.servers.map(({ isHeard }) => isHeard)).toEqual([false, true, true]);
  expect(third!.servers[0]!.text).toContain('NOT heard');
  expect(taken).toEqual([ahead + 3]);
});

/** A key without terms, and another device of its owner that puts heirs into terms which this one has never seen. */
async function withoutTerms() {
  network = await createTestNetwork(3);
  const store = memoryStore();
  const client = await network.owner({ store });
  const servers = ['alpha', 'bravo', 'charlie'];
  await client.createKey({ name: 'savings', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
  const { keyId, record } = await client.showKey('savings');
  const words = secret(OWNER_SEED.slice());
  const ownerKey = keyOwnerIdentity(words, keyId).publicKeys.signing.bytes;
  const change = { needed: 0, of: [], delaySeconds: 3 * DAY, words: 30 * DAY };
  const link = linkTo(keyId, record.policy, { ...withHeirs, ownerKey, change });
  const elsewhere = async (names: readonly string[]) => {
    for (const name of names) {
      const { bare, identity } = network.server(name);
      const caller = await bare.as(identityForServer(words, identity.xid));
      const { waiting } = await caller.call('terms.propose', { keyId, ...link });
      expect(waiting).toBeNull();
    }
  };
  return { client, elsewhere, store };
}

function linkTo(keyId: Uint8Array, before: KeyTerms, content: Partial<KeyTerms>): TermsLink {
  const after = { ...before, ...content, version: versionOf(before) + 1, previous: policyHash(before) };
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(9) }, before, after);
  return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
}
const heardBy = (network: TestNetwork) =>
  network.servers.map(({ asked }) => asked.filter((one) => one === 'alive.carry').length);

test('heirs whom another device has put into the terms are learnt from the servers first, and remembered: each later command is a sign of life, too', async () => {
  const { client, elsewhere } = await withoutTerms();
  expect(await client.alive()).toEqual([]);
  await elsewhere(['alpha', 'bravo', 'charlie']);
  expect(heardBy(network)).toEqual([0, 0, 0]);
  const [told] = await client.alive();
  expect(told).toMatchObject({ key: 'savings', outcome: 'told', isCertain: true, afterSeconds: 100 * DAY });
  expect(heardBy(network)).toEqual([1, 1, 1]);
  network.now += 2 * DAY;
  await client.sign({ key: 'savings', ...messageOf('a day’s work') });
  await client.close();
  expect(heardBy(network).filter((count) => count === 2).length).toBeGreaterThanOrEqual(2);
});

test('a server that alone has terms with heirs counts by them, and is not left out', async () => {
  const { client, elsewhere } = await withoutTerms();
  await elsewhere(['charlie']);
  const [told] = await client.alive('savings');
  expect(told!.servers.map(({ server }) => server)).toContain('charlie');
  expect(heardBy(network)[2]).toBe(1);
});

test('where fewer than n − t + 1 servers say which terms are in force, that is said, of a key with known heirs and of one without', async () => {
  const { client, elsewhere } = await withoutTerms();
  await elsewhere(['alpha', 'bravo', 'charlie']);
  network.cut('bravo');
  network.cut('charlie');
  // Alpha shows heirs, and is one server: who counts is told all the same.
  expect(await client.alive('savings')).toMatchObject([{ outcome: 'told', isCertain: false }]);
  network.cut('alpha');
  expect(await client.alive()).toMatchObject([{ outcome: 'unknown', isCertain: false, servers: [] }]);
  network.makeHonest();
  expect(await client.alive()).toMatchObject([{ outcome: 'told', isCertain: true }]);
});
