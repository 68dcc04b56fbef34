// @module-tag long
import { policyHash } from '@ckm/api';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
} from '../../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;

let network: TestNetwork;
afterEach(() => network.close());

/** A key whose terms have become tighter at all servers, and the store of a client that knows nothing of that. */
async function begin() {
  network = await createTestNetwork(4);
  const store = memoryStore();
  const client = await network.owner({ store });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  const before = await copyStore(store);
  const { approvers: _none, ...policy } = await policyOf(client);
  const rateLimit = { count: 1_000, perSeconds: 3_600 };
  const { servers } = await client.proposeTerms('letters', { ...policy, rateLimit });
  expect(servers.map(({ verdict }) => verdict)).toEqual(['inForce', 'inForce', 'inForce']);
  return { client, before };
}

const policyOf = async (client: Client) => (await client.showKey('letters')).record.policy;
const later = (store: ClientStore) => ownerClient(network.send, () => network.now, { store });

describe('L8: a key whose terms have changed', () => {
  test('is refreshed under those in force: its certificate names them, and whoever was away takes them over with it', async () => {
    const { client, before } = await begin();
    expect((await policyOf(client)).version).toBeUndefined();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, isAsOrdered: true, behind: [] });
    const { newest, record } = await client.showKey('letters');
    expect([newest.termsVersion, record.policy.version]).toEqual([1, 1]);
    expect(newest.params.termsHash).toEqual(policyHash(record.policy));
    expect((await client.verifyKey('letters')).isSound).toBe(true);
    const other = later(before);
    expect((await other.sign({ key: 'letters', ...messageOf('hello') })).signers).toHaveLength(2);
    expect((await other.showKey('letters')).record.policy).toEqual(record.policy);
  });

  test('gets another server, which goes by those in force; a client that never heard of them orders under them too', async () => {
    const { before } = await begin();
    const client = later(before);
    const wish = { kind: 'add-server', server: 'delta' } as const;
    expect(await client.changeKey({ name: 'letters', wish })).toMatchObject({ epoch: 1, isAsOrdered: true });
    expect((await policyOf(client)).version).toBe(1);
    const signed = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['alpha', 'bravo'] });
    expect([...signed.signers].sort()).toEqual(['charlie', 'delta']);
    expect((await client.verifyKey('letters')).isSound).toBe(true);
  });
});
