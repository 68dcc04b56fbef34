import type { Result } from '@ckm/api';
import { AccessError, PolicyError, StorageError } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  ownerClient,
  type Tamper,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { CHECK_EVERY_SECONDS, MOST_CHECKS } from './check-record.js';

let network: TestNetwork;
let stored: ClientStore;
let store: ClientStore;
let client: Client;
let start: number;

beforeAll(async () => {
  network = await createTestNetwork(3);
  start = network.now;
  stored = memoryStore();
  const owner = await network.owner({ store: stored });
  const servers = network.servers.map(({ name }) => name);
  await owner.createKey({ name: 'ink', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
});
beforeEach(async () => {
  network.makeHonest();
  network.now = start;
  store = await copyStore(stored);
  client = ownerClient(network.send, () => network.now, { store });
});
afterEach(() => client.close());
afterAll(() => network.close());

const details = (code: string) => ({ code, hint: 'ask the operator' });
const saying =
  (error: Error): Tamper =>
  async ({ name }, honest) => {
    if (name === 'key.check') throw error;
    return honest();
  };
const verdictsOf = async () => (await client.checkKey('ink')).servers.map(({ verdict }) => verdict);
const statusOf = async () => (await client.status()).keys.find(({ name }) => name === 'ink')!.checks;

describe('client.checkKey', () => {
  test('finds that every server holds its share, and asks nobody for anything else', async () => {
    const { isSound, margin, servers, nextAt } = await client.checkKey('ink');
    expect(servers.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
    expect({ isSound, margin, nextAt }).toEqual({
      isSound: true,
      margin: 1,
      nextAt: start + CHECK_EVERY_SECONDS,
    });
    expect(new Set(network.servers.flatMap(({ asked }) => asked))).toEqual(new Set(['key.check']));
  });

  test.each<[string, Tamper, string]>([
    ['a refusal', saying(new PolicyError('no', details('RATE_LIMITED'))), 'refused'],
    ['a suspended account', saying(new AccessError('no', details('ACCOUNT_SUSPENDED'))), 'refused'],
    ['a share that is lost', saying(new AccessError('no', details('KEY_UNKNOWN'))), 'lost'],
    ['a share that cannot be opened', saying(new StorageError('no', details('EPOCH_KEY_MISSING'))), 'lost'],
    ['a damaged share', saying(new StorageError('no', details('SHARE_NOT_CERTIFIED'))), 'damaged'],
  ])('tells %s apart from everything else', async (_what, tamper, verdict) => {
    network.server('bravo').tamper = tamper;
    expect(await verdictsOf()).toEqual(['holds', verdict, 'holds']);
  });

  test('does not take a share for lost by a word that anybody on the way can say', async () => {
    const body = new TextEncoder().encode('{"code":"MESSAGE_NOT_AUTHENTICATED"}');
    network.server('bravo').wire = async () => ({
      status: 401,
      contentType: 'application/problem+json',
      body,
    });
    expect(await verdictsOf()).toEqual(['holds', 'forgot', 'holds']);
    network.makeHonest();
    const lines = (await client.diagnose()).filter(({ level }) => level === 'fail');
    expect(lines).toEqual([]);
  });

  test('tells a server that does not answer, and counts what may still fail by proofs alone', async () => {
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    const { margin, isSound, servers } = await client.checkKey('ink');
    expect(servers[1]).toMatchObject({ verdict: 'silent', code: 'SERVER_UNREACHABLE' });
    expect({ margin, isSound }).toEqual({ margin: 0, isSound: false });
  });

  test('does not believe the proof of another server, of an earlier question, or one with a byte changed', async () => {
    const earlier = new Map<string, Result<'key.check'>>();
    const recording: Tamper = async ({ name, caller }, honest) => {
      const result = (await honest()) as Result<'key.check'>;
      if (name === 'key.check') earlier.set(caller.name, result);
      return result;
    };
    for (const server of network.servers) server.tamper = recording;
    await client.checkKey('ink');
    network.server('alpha').tamper = async () => earlier.get('alpha');
    network.server('bravo').tamper = async () => earlier.get('charlie');
    network.server('charlie').tamper = async (_asked, honest) => {
      const { proof } = (await honest()) as Result<'key.check'>;
      return { proof: proof.map((byte, at) => (at === proof.length - 1 ? byte ^ 1 : byte)) };
    };
    expect(await verdictsOf()).toEqual(['wrong', 'wrong', 'wrong']);
  });

  test('does not wait for a server that is known to hang', async () => {
    const { servers } = await client.checkKey('ink', ['charlie']);
    expect(servers[2]).toMatchObject({ verdict: 'silent', code: 'SERVER_TIMEOUT' });
    expect(network.server('charlie').asked).toEqual([]);
  });
});

describe('what is on record of key checks', () => {
  test('status says when the last one was, what it found, and when the next one is overdue', async () => {
    expect(await statusOf()).toEqual({
      lastAt: null,
      unproved: [],
      dueAt: start + CHECK_EVERY_SECONDS,
      isOverdue: false,
    });
    network.now = start + CHECK_EVERY_SECONDS;
    expect((await statusOf()).isOverdue).toBe(true);
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    await client.checkKey('ink');
    // What was silent is still to be asked.
    expect(await statusOf()).toMatchObject({
      lastAt: network.now,
      unproved: [{ server: 'bravo', verdict: 'silent' }],
      isOverdue: true,
    });
    network.makeHonest();
    await client.checkKey('ink');
    expect(await statusOf()).toEqual({
      lastAt: network.now,
      unproved: [],
      dueAt: network.now + CHECK_EVERY_SECONDS,
      isOverdue: false,
    });
  });

  test('doctor warns of what is overdue, and accuses only whose share was not there', async () => {
    network.now = start + CHECK_EVERY_SECONDS;
    network.server('bravo').tamper = saying(new StorageError('no', details('SHARE_NOT_CERTIFIED')));
    network.server('charlie').tamper = saying(new PolicyError('no', details('RATE_LIMITED')));
    await client.checkKey('ink');
    network.makeHonest();
    const remedy = { kind: 'checkKey', key: 'ink' };
    const lines = (await client.diagnose()).filter((line) => line.remedy?.kind === 'checkKey');
    expect(lines).toMatchObject([
      // Whoever did not prove its share is not counted on.
      { level: 'warn', subject: 'ink', fix: 'have bravo prove its share', remedy },
      { level: 'fail', subject: 'ink on bravo', remedy },
      { level: 'warn', subject: 'ink', remedy },
    ]);
  });

  test('its owner says how often, or never; another client of the same store follows that', async () => {
    expect(await client.scheduleChecks('ink', 86_400)).toBe(start + 86_400);
    await client.checkKey('ink');
    const another = ownerClient(network.send, () => network.now, { store });
    expect(await another.checkDue('ink')).toBe(start + 86_400);
    expect(await another.scheduleChecks('ink', null)).toBe(null);
    expect(await client.checkDue('ink')).toBe(null);
    network.now = start + 10 * CHECK_EVERY_SECONDS;
    expect(await statusOf()).toMatchObject({ lastAt: start, dueAt: null, isOverdue: false });
    await another.close();
  });

  test('no more than a few checks of a key are kept, and two at once are both on record', async () => {
    await Promise.all([client.checkKey('ink'), client.checkKey('ink')]);
    for (let count = 2; count < MOST_CHECKS + 3; count++) {
      network.now = start + count;
      await client.checkKey('ink');
    }
    const paths = await store.list('checks');
    expect(paths).toHaveLength(1);
    const lengths = (await store.get(paths[0]!))!.length;
    await client.checkKey('ink');
    expect((await store.get(paths[0]!))!.length).toBeLessThanOrEqual(lengths + 8);
  });
});

// Last, because the servers stay in the epoch to which it leads.
test(
  'a client that was away while another one of its owner refreshed the key asks about the newest epoch',
  { tags: ['slow'] },
  async () => {
    const another = ownerClient(network.send, () => network.now, { store: await copyStore(stored) });
    await another.changeKey({ name: 'ink', wish: { kind: 'refresh' } });
    await another.close();
    const { epoch, isSound } = await client.checkKey('ink');
    expect({ epoch, isSound }).toEqual({ epoch: 1, isSound: true });
    expect(await statusOf()).toMatchObject({ lastAt: network.now, unproved: [] });
  },
);
