import { encodeHex, reveal, wipe } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import { REFRESH } from '../test/owned-key.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
} from '../test/test-network.js';

let network: TestNetwork;
let stored: ClientStore;
let client: Client;
let store: ClientStore;
const NAMES = ['alpha', 'bravo', 'charlie'];

beforeAll(async () => {
  network = await createTestNetwork(3);
  stored = memoryStore();
  const owner = await network.owner({ store: stored });
  const quorum = { needed: 2, of: 3 };
  await owner.createKey({ name: 'vault', purpose: 'derive', quorum, servers: NAMES });
  await owner.createKey({ name: 'k', purpose: 'message', quorum, servers: NAMES });
});
beforeEach(async () => {
  network.makeHonest();
  store = await copyStore(stored);
  client = ownerClient(network.send, () => network.now, { store });
});
afterEach(() => client.close());
afterAll(() => network.close());

async function derive(label: string, without: readonly string[] = []) {
  const { secret, ...rest } = await client.derive({ key: 'vault', label, without });
  return { ...rest, hex: encodeHex(reveal(secret, 'test')) };
}

describe('V56: a derived secret', () => {
  test('is the same from every two servers, and another for another label', async () => {
    const first = await derive('backup/nas');
    expect(first.hex).toMatch(/^[0-9a-f]{64}$/);
    for (const name of NAMES) {
      const again = await derive('backup/nas', [name]);
      expect(again.hex).toBe(first.hex);
      expect(again.signers).toEqual(NAMES.filter((other) => other !== name));
    }
    expect((await derive('backup')).hex).not.toBe(first.hex);
  });

  test('is the same behind a refresh of the key', async () => {
    const before = await derive('backup/nas');
    await client.changeKey({ name: 'vault', wish: REFRESH.wish });
    expect((await derive('backup/nas', ['alpha'])).hex).toBe(before.hex);
  });

  test('is written nowhere by its owner, and shown in no server’s message', async () => {
    const { hex } = await derive('backup/nas');
    for (const path of await store.list('')) {
      const bytes = await store.get(path);
      expect(encodeHex(bytes!)).not.toContain(hex);
    }
    expect(await client.listRequests()).toEqual([]);
  });
});

describe('V58: a server that answers wrongly', () => {
  test('is named, and another one takes its place', async () => {
    const { hex } = await derive('backup/nas');
    network.servers[0]!.tamper = async ({ name }, honest) => {
      const result = await honest();
      const { answer } = result as { answer?: { craft: string; sealed: Uint8Array } | null };
      if (name !== 'request.ask' || answer?.craft !== 'evaluation') return result;
      const sealed = answer.sealed.map((byte, i) => (i === 60 ? byte ^ 1 : byte));
      return { ...(result as object), answer: { ...answer, sealed } };
    };
    const told = await derive('backup/nas');
    expect([told.hex, told.signers]).toEqual([hex, ['bravo', 'charlie']]);
    await expect(derive('backup/nas', ['charlie'])).rejects.toMatchObject({
      code: 'FAULT_SHARE_INVALID',
      facts: { servers: ['alpha'] },
    });
  });

  test('that says nothing keeps nobody waiting longer than patience', async () => {
    const { hex } = await derive('backup/nas');
    network.cut('bravo');
    const told = await derive('backup/nas');
    expect([told.hex, told.signers]).toEqual([hex, ['alpha', 'charlie']]);
  });

  test('two of three that are gone are too few, and said so', async () => {
    network.cut('bravo');
    network.cut('charlie');
    await expect(derive('backup/nas')).rejects.toMatchObject({ code: 'TOO_FEW_SERVERS' });
  });
});

describe('before anybody is asked', () => {
  test('it is said what will be handed out, by whom', async () => {
    const prepared = await client.prepareDerivation({ key: 'vault', label: 'backup/nas' });
    expect(prepared.description.sentence).toBe('Give out the secret that vault has for “backup/nas”');
    expect([prepared.asks.length, prepared.needed, prepared.refusal]).toEqual([3, 2, null]);
  });

  test('each call of what was prepared gives a secret of its own, whatever became of the one before', async () => {
    const prepared = await client.prepareDerivation({ key: 'vault', label: 'backup/nas' });
    const first = (await prepared.derive()).secret;
    const hex = encodeHex(reveal(first, 'test'));
    wipe(first);
    expect(encodeHex(reveal((await prepared.derive()).secret, 'test'))).toBe(hex);
  });

  test('a label of two spellings is refused, and so is a key that signs; a key for labels signs nothing', async () => {
    await expect(derive('backup//nas')).rejects.toMatchObject({ code: 'LABEL_INVALID' });
    await expect(client.derive({ key: 'k', label: 'a' })).rejects.toMatchObject({
      code: 'REQUEST_KIND_NOT_FOR_KEY',
    });
    await expect(client.sign({ key: 'vault', ...messageOf('hello') })).rejects.toMatchObject({
      code: 'REQUEST_KIND_NOT_FOR_KEY',
    });
  });

  test('a frozen key derives nothing', async () => {
    await client.freezeKey('vault', 3600);
    await expect(derive('backup/nas')).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
  });
});
