// @module-tag long
import { secret } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../client.js';
import {
  createTestNetwork,
  messageOf,
  OWNER_SEED,
  ownerClient,
  recordsOf,
  type TestNetwork,
} from '../test/test-network.js';
import type { ClientStore } from './client-store.js';
import { memoryStore } from './memory-store.js';
import type { UnreadableRecord } from './record-store.js';

let network: TestNetwork;
let store: ClientStore;
let told: UnreadableRecord[];
const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

beforeEach(async () => {
  network = await createTestNetwork(3);
  store = memoryStore();
  const client = await network.owner({ store });
  for (const name of ['savings', 'trash']) await client.createKey({ ...KEY, name });
  await client.sign({ key: 'savings', ...messageOf('fills the pool') });
  await client.close();
  told = [];
});
afterEach(() => network.close());

const reopen = (changes = {}): Client =>
  ownerClient(network.send, () => network.now, { store, onUnreadable: (one) => told.push(one), ...changes });
const FOLDERS = ['servers', 'keys', 'sessions', 'requests', 'pool'];
const everything = async () => (await Promise.all(FOLDERS.map((folder) => store.list(folder)))).flat();
const codes = () => told.map(({ path, error }) => [path, error.code]);

test('whoever writes the disk without the seed can put no record in the place of any other', async () => {
  const all = await everything();
  expect(all.length).toBeGreaterThanOrEqual(8);
  for (const place of all) {
    const honest = (await store.get(place))!;
    for (const other of all.filter((one) => one !== place)) {
      await store.put(place, (await store.get(other))!);
      await expect(recordsOf(store).get(place)).rejects.toMatchObject({ code: 'RECORD_ALTERED' });
      await store.put(place, honest);
    }
  }
});

test('a record that was altered is named with its code, and all others of its kind are still listed', async () => {
  const bytes = (await store.get('keys/trash'))!;
  await store.put('keys/trash', bytes.with(60, bytes[60]! ^ 1));
  const client = reopen();
  expect((await client.listKeys()).map(({ name }) => name)).toEqual(['savings']);
  expect(codes()).toEqual([['keys/trash', 'RECORD_ALTERED']]);
  expect((await client.sign({ key: 'savings', ...messageOf('still') })).signers).toHaveLength(2);
  await expect(client.showKey('trash')).rejects.toMatchObject({
    code: 'RECORD_ALTERED',
    message: 'the stored record keys/trash is not as this owner wrote it',
  });
  expect(await client.diagnose()).toContainEqual(
    expect.objectContaining({ level: 'fail', subject: 'keys/trash', isLocal: true }),
  );
  await client.close();
});

test('without anybody to tell, a list that holds an altered record throws instead of leaving it out', async () => {
  await store.put('keys/trash', new Uint8Array([1, 2, 3]));
  const client = reopen({ onUnreadable: undefined });
  await expect(client.listKeys()).rejects.toMatchObject({ code: 'RECORD_FORMAT_UNKNOWN' });
  await client.close();
});

test('a record without a seal, as an older version wrote it, is told of in words and not read', async () => {
  const body = await recordsOf(store).get('servers/alpha');
  await store.put('servers/alpha', body!);
  const client = reopen();
  expect((await client.listServers()).map(({ name }) => name)).toEqual(['bravo', 'charlie']);
  expect(codes()).toEqual([['servers/alpha', 'RECORD_FORMAT_UNKNOWN']]);
  await client.close();
});

test('a sealed record of a later version is told of by its number', async () => {
  await recordsOf(store).put('keys/trash', encodeData({ version: 2, name: 'trash' }));
  const client = reopen();
  await expect(client.showKey('trash')).rejects.toMatchObject({
    code: 'RECORD_FORMAT_UNKNOWN',
    message: 'the stored record keys/trash is of version 2, and this program knows version 1',
  });
  await client.close();
});

test('records of another owner seed are told from altered ones', async () => {
  const client = reopen(otherSeed());
  expect(await client.listKeys()).toEqual([]);
  expect(codes()).toEqual([
    ['keys/savings', 'RECORD_OF_ANOTHER_SEED'],
    ['keys/trash', 'RECORD_OF_ANOTHER_SEED'],
  ]);
  await client.close();
});

test('a server is not forgotten while a key record that may need it cannot be read', async () => {
  const client = reopen();
  for (const name of ['savings', 'trash']) await store.put(`keys/${name}`, new Uint8Array([1]));
  await expect(client.removeServer('alpha')).rejects.toMatchObject({ code: 'RECORD_FORMAT_UNKNOWN' });
  expect(await store.list('servers')).toContain('servers/alpha');
  await client.close();
});

test('a name whose record cannot be read is taken: nothing is written over what may be evidence', async () => {
  await store.put('keys/trash', new Uint8Array([1]));
  const client = reopen();
  await expect(client.createKey({ ...KEY, name: 'trash' })).rejects.toMatchObject({
    code: 'RECORD_FORMAT_UNKNOWN',
  });
  expect(await store.get('keys/trash')).toEqual(new Uint8Array([1]));
  await client.close();
});

test('an altered key record is the only loss: the key itself is fetched again from its servers', async () => {
  await store.put('keys/trash', new Uint8Array([1]));
  const client = reopen();
  const { keys } = await client.fetchKeys();
  expect(keys).toHaveLength(1);
  await client.keepKey(keys[0]!, { name: 'back' });
  expect((await client.sign({ key: 'back', ...messageOf('again') })).signers).toHaveLength(2);
  await client.close();
});

test('a disk put back to an earlier day, a pool of used commitments with it, makes no server sign one of them twice', async () => {
  const before = new Map<string, Uint8Array>();
  for (const path of await everything()) before.set(path, (await store.get(path))!);
  const first = reopen();
  await first.sign({ key: 'savings', ...messageOf('uses the pool') });
  await first.close();
  for (const [path, bytes] of before) await store.put(path, bytes);
  const again = reopen();
  const { signers } = await again.sign({ key: 'savings', ...messageOf('other words') });
  expect(signers).toHaveLength(2);
  await again.close();
});

function otherSeed() {
  return { seed: secret(OWNER_SEED.map((byte) => byte ^ 1)) };
}

test('an open request put back after its key was renamed does not go on with the key that has the name now', async () => {
  const client = reopen();
  await client.createKey({ ...KEY, name: 'slow', policy: { approval: 'operator' } });
  await expect(
    client.sign({ key: 'slow', ...messageOf('for the slow key'), waitSeconds: 0 }),
  ).rejects.toMatchObject({ code: 'REQUEST_WAITING' });
  const [path] = await store.list('requests');
  const before = (await store.get(path!))!;
  await client.renameKey('slow', 'slower');
  await client.renameKey('trash', 'slow');
  expect((await client.prepareAgain(path!.slice('requests/'.length))).asks).toHaveLength(3);
  await store.put(path!, before);
  for (const server of network.servers) server.asked = [];
  await expect(client.prepareAgain(path!.slice('requests/'.length))).rejects.toMatchObject({
    code: 'REQUEST_KEY_DIFFERS',
  });
  expect(network.servers.flatMap(({ asked }) => asked)).toEqual([]);
  await client.close();
});
