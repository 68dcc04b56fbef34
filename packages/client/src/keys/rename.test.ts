import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import {
  createOwnedNetwork,
  createTwoKeys,
  messageOf,
  ownerClient,
  recordsOf,
  type TestNetwork,
} from '../test/test-network.js';
import { encodeKeyRecord, parseKeyRecord } from './key-record.js';

let network: TestNetwork;
let client: Client;
let store: ClientStore;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
  await createTwoKeys(client);
});
afterEach(() => network.close());

test(
  'after two keys changed names, a signature is made by the servers of the key, not by those of its name',
  { tags: 'slow' },
  async () => {
    expect((await client.sign({ key: 'savings', ...messageOf('a') })).signers).toEqual(['alpha', 'bravo']);
    await client.renameKey('savings', 'old');
    await client.renameKey('trash', 'savings');
    expect((await client.prepare({ key: 'savings', ...messageOf('b') })).asks.toSorted()).toEqual([
      'bravo',
      'charlie',
    ]);
    expect((await client.sign({ key: 'savings', ...messageOf('b') })).signers).toEqual(['bravo', 'charlie']);
    expect((await client.sign({ key: 'old', ...messageOf('c') })).signers).toEqual(['alpha', 'bravo']);
  },
);

test('a key that another process renamed is not shown under its old name', async () => {
  const before = await client.showKey('savings');
  const other = ownerClient(network.send, () => network.now, { store });
  await other.renameKey('savings', 'old');
  await other.renameKey('trash', 'savings');
  await other.close();
  expect((await client.showKey('savings')).keyId).not.toEqual(before.keyId);
  expect((await client.showKey('old')).keyId).toEqual(before.keyId);
  expect((await client.showKey('old')).context.name).toBe('old');
});

test(
  'a record that another process has written anew under the same name is read anew',
  { tags: 'slow' },
  async () => {
    expect((await client.showKey('savings')).isComplete).toBe(true);
    const path = 'keys/savings';
    const record = parseKeyRecord(path, (await recordsOf(store).get(path))!);
    await recordsOf(store).put(path, encodeKeyRecord({ ...record, acknowledged: [1] }));
    expect((await client.showKey('savings')).isComplete).toBe(false);
    await expect(client.sign({ key: 'savings', ...messageOf('a') })).rejects.toMatchObject({
      code: 'KEY_NOT_USABLE',
    });
    await recordsOf(store).put(path, encodeKeyRecord(record));
    expect((await client.showKey('savings')).isComplete).toBe(true);
  },
);
