import { AccessError, encodeHex } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { type ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import { loseDisk } from '../test/disks.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  recordsOf,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';
import { encodeKeyRecord, parseKeyRecord } from './key-record.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
let network: TestNetwork;
let store: ClientStore;
let client: Client;

async function begin(settings: object): Promise<void> {
  network = await createTestNetwork(3, { settings });
  store = memoryStore();
  client = await network.owner({ store });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    ...('backup' in settings && settings.backup === 'static' ? { policy: { recovery: 'static' } } : {}),
  });
}

beforeEach(() => begin({ backup: 'static' }));
afterEach(() => network.close());

const lose = (name: string) => loseDisk(network.server(name));

/** The same, with a backup of the accounts only. */
async function loseShares(name: string): Promise<void> {
  await lose(name);
  const { url } = network.server(name);
  await client.addServer({ name, url });
}

const sign = (without: readonly string[]) => client.sign({ key: 'letters', ...messageOf('hello'), without });

describe('a server that lost its database', () => {
  test('is found by verify, doctor and status, which all say what to do', async () => {
    await loseShares('alpha');
    const { isSound, servers } = await client.verifyKey('letters');
    expect(isSound).toBe(false);
    expect(servers[0]).toMatchObject({
      server: 'alpha',
      verdict: 'lost',
      text: 'has lost its share of letters',
    });
    expect(await client.diagnose()).toContainEqual({
      level: 'fail',
      subject: 'letters on alpha',
      text: 'has lost its share of letters',
      fix: 'have it get its share back',
      remedy: { kind: 'repairKey', keys: ['letters'], server: 'alpha' },
    });
    expect((await client.status()).keys).toMatchObject([
      { name: 'letters', lost: ['alpha'], reachable: ['bravo', 'charlie'], margin: 0 },
    ]);
  });

  test('and the account with it, is told from one that is only silent', async () => {
    await lose('alpha');
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    const { servers } = await client.verifyKey('letters');
    expect(servers.map(({ verdict }) => verdict)).toEqual(['forgot', 'silent', 'holds']);
    const lines = await client.diagnose();
    expect(lines).toContainEqual(
      expect.objectContaining({
        subject: 'letters on alpha',
        remedy: { kind: 'repairKey', keys: ['letters'], server: 'alpha' },
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ subject: 'alpha', text: expect.stringContaining('does not know you') }),
    );
    expect((await client.status()).servers[0]!.problem!.code).toBe('MESSAGE_NOT_AUTHENTICATED');
  });

  test('has its share back, and signs with another server while the third is away', async () => {
    await lose('alpha');
    const restoration = await client.restoreKey({ name: 'letters' });
    expect(restoration).toMatchObject({
      name: 'letters',
      isSound: true,
      servers: [
        { server: 'alpha', slot: 1, outcome: 'restored', text: 'has its share again', code: null },
        { server: 'bravo', slot: 2, outcome: 'held' },
        { server: 'charlie', slot: 3, outcome: 'held' },
      ],
    });
    expect((await client.verifyKey('letters')).isSound).toBe(true);
    expect((await sign(['charlie'])).signers).toEqual(['alpha', 'bravo']);
    // Nothing is left to restore.
    const again = await client.restoreKey({ name: 'letters' });
    expect(again.servers.map(({ outcome }) => outcome)).toEqual(['held', 'held', 'held']);
  });

  test('opens the account again by invite, where it takes nobody without', async () => {
    await lose('alpha');
    const { tamper, invites } = doorman();
    network.server('alpha').tamper = tamper;
    const refused = await client.restoreKey({ name: 'letters', servers: ['alpha'] });
    expect(refused).toMatchObject({
      isSound: false,
      servers: [{ outcome: 'refused', code: 'INVITE_REQUIRED' }],
    });
    const { isSound } = await client.restoreKey({ name: 'letters', servers: ['alpha'], invite: 'abc' });
    expect([isSound, invites]).toEqual([true, [null, 'abc']]);
  });

  /** Refuses to open accounts without the invite. */
  function doorman() {
    const invites: (string | null)[] = [];
    const tamper = async (asked: { name: string; parameters: unknown }, honest: () => Promise<unknown>) => {
      if (asked.name !== 'account.open') return honest();
      const { invite } = asked.parameters as { invite: string | null };
      invites.push(invite);
      if (invite === 'abc') return honest();
      // The network opens accounts by itself: this one is gone again.
      await lose('alpha');
      throw new AccessError('by invite only', { code: 'INVITE_REQUIRED', hint: 'ask for one' });
    };
    return { tamper, invites };
  }

  test('and keeps its static keys with the keys, says that it cannot, and the others are not disturbed', async () => {
    await network.close();
    await begin({ backup: 'epoch' });
    await lose('alpha');
    const { isSound, servers } = await client.restoreKey({ name: 'letters' });
    expect(isSound).toBe(false);
    expect(servers.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['refused', 'KEY_NOT_RESTORABLE'],
      ['held', null],
      ['held', null],
    ]);
    expect((await sign([])).signers).toEqual(['bravo', 'charlie']);
  });
});

describe('restoring a key', () => {
  test('asks only the servers that are named, and refuses others', async () => {
    await lose('alpha');
    await lose('bravo');
    for (const { asked } of network.servers) asked.length = 0;
    const { servers } = await client.restoreKey({ name: 'letters', servers: ['bravo'] });
    expect(servers.map(({ server, outcome }) => [server, outcome])).toEqual([['bravo', 'restored']]);
    // The others are asked how far the key is, and nothing else.
    const others = [...network.server('alpha').asked, ...network.server('charlie').asked];
    expect(new Set(others)).toEqual(new Set(['key.head']));
    await expect(client.restoreKey({ name: 'letters', servers: ['delta'] })).rejects.toMatchObject({
      code: 'QUORUM_SERVERS_MISMATCH',
    });
    await expect(client.restoreKey({ name: 'nothing' })).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  });

  test('planRestoration sends nothing to any server', async () => {
    for (const { asked } of network.servers) asked.length = 0;
    expect(await client.planRestoration({ name: 'letters' })).toEqual(SERVERS);
    expect(network.servers.flatMap(({ asked }) => asked)).toEqual([]);
  });

  test('makes a key complete whose last promise a server took with it', async () => {
    await lose('charlie');
    const path = 'keys/letters';
    const record = parseKeyRecord(path, (await recordsOf(store).get(path))!);
    await recordsOf(store).put(path, encodeKeyRecord({ ...record, acknowledged: [1, 2] }));
    const later = ownerClient(network.send, () => network.now, { store });
    await expect(later.sign({ key: 'letters', ...messageOf('a') })).rejects.toMatchObject({
      code: 'KEY_NOT_USABLE',
    });
    await later.restoreKey({ name: 'letters' });
    expect((await later.showKey('letters')).record.acknowledged).toEqual([1, 2, 3]);
    expect((await later.sign({ key: 'letters', ...messageOf('a') })).signers).toHaveLength(2);
    await later.close();
  });

  test('V32: a server that says it restored the key, and promises another certificate, is named', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name === 'key.show') throw new AccessError('no', { code: 'KEY_UNKNOWN', hint: 'no' });
      const result = (await honest()) as object;
      return name === 'key.restore' ? { ...result, transcriptHash: new Uint8Array(32) } : result;
    };
    const { isSound, servers } = await client.restoreKey({ name: 'letters' });
    expect(isSound).toBe(false);
    expect(servers[1]).toMatchObject({ outcome: 'differs', code: 'FAULT_CERTIFICATE_DIFFERS' });
  });

  test('V63: whoever stands in between and says that the account is unknown gets no more than an introduction', async () => {
    const alpha = network.server('alpha');
    const sent: string[] = [];
    alpha.wire = async (request, pass) => {
      const reply = await pass();
      if (request.method === 'GET') return reply;
      sent.push(encodeHex(request.body!).slice(0, 8));
      if (sent.length > 1) return reply;
      const body = new TextEncoder().encode('{"code":"MESSAGE_NOT_AUTHENTICATED"}');
      return { status: 401, contentType: 'application/problem+json', body };
    };
    alpha.asked.length = 0;
    const { servers } = await client.restoreKey({ name: 'letters', servers: ['alpha'] });
    expect(servers[0]!.outcome).toBe('held');
    expect(alpha.asked).toEqual(['key.show', 'account.open', 'key.show']);
  });
});
