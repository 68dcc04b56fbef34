// @module-tag long
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

let network: TestNetwork;
let client: Client;
/** A second client of the same owner, which was away while the key went from alpha, bravo, charlie to charlie, delta, echo. */
let away: Client;

beforeEach(async () => {
  network = await createTestNetwork(5);
  const store = memoryStore();
  client = ownerClient(network.send, () => network.now, { store });
  for (const { name, url } of network.servers) await client.addServer({ name, url });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: ['alpha', 'bravo', 'charlie'],
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  away = ownerClient(network.send, () => network.now, { store: await copyStore(store) });
  const servers = ['charlie', 'delta', 'echo'];
  const quorum = { needed: 2, of: 3 };
  await client.changeKey({ name: 'letters', wish: { kind: 'requorum', quorum, servers } });
});
afterEach(async () => {
  await away.close();
  await network.close();
});

const sign = (who: Client) => who.sign({ key: 'letters', ...messageOf('hello') });
const verdictsIn = (servers: readonly { readonly verdict: string }[]) =>
  servers.map(({ verdict }) => verdict);

describe('a client that was away while servers left its key', () => {
  test('freezes at the servers that hold it now, and counts no word of those that left', async () => {
    const frozen = await away.freezeKey('letters', 3_600);
    expect(frozen.servers.map(({ server, verdict }) => [server, verdict])).toEqual([
      ['charlie', 'frozen'],
      ['delta', 'frozen'],
      ['echo', 'frozen'],
    ]);
    expect(frozen.isStopped).toBe(true);
    await expect(sign(client)).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
  });

  test('does not say that the key is stopped where only servers that left could be told', async () => {
    for (const name of ['charlie', 'delta', 'echo'])
      network.server(name).wire = () => Promise.reject(unreachable(name));
    const { isStopped, servers } = await away.freezeKey('letters', 3_600);
    expect(isStopped).toBe(false);
    expect(verdictsIn(servers)).not.toContain('frozen');
  });

  test('signs with the servers of now, though a server that left refuses first', async () => {
    const { signers } = await sign(away);
    expect(signers.every((name) => ['charlie', 'delta', 'echo'].includes(name))).toBe(true);
    expect((await away.showKey('letters')).newest.params.epoch).toBe(1);
  });

  test('learns of the change from a server that left alone, by its certificate', async () => {
    for (const name of ['charlie', 'delta', 'echo'])
      network.server(name).wire = () => Promise.reject(unreachable(name));
    expect((await away.verifyKey('letters')).isSound).toBe(false);
    expect((await away.showKey('letters')).newest.params.epoch).toBe(1);
  });

  test('verifies and checks the key where it is now', async () => {
    expect((await away.verifyKey('letters')).isSound).toBe(true);
    expect((await away.checkKey('letters')).isSound).toBe(true);
  });

  test('is not kept for ever by a server that shows pages of certificates without an end', async () => {
    network.server('alpha').tamper = ({ name, parameters }, honest) =>
      name === 'key.chain'
        ? Promise.resolve({
            certificates: [],
            next: ((parameters as { after: number | null }).after ?? 0) + 1,
          })
        : honest();
    expect((await away.verifyKey('letters')).isSound).toBe(true);
    expect(network.server('alpha').asked.filter((name) => name === 'key.chain').length).toBeLessThan(3);
  });
});
