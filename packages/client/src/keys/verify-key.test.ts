import type { Result } from '@ckm/api';
import { AccessError, PolicyError, StateError } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  type Tamper,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';
import type { ClientStore } from '../store/client-store.js';

const KEYS = ['ink', 'paper', 'wax'];

let network: TestNetwork;
let stored: ClientStore;
let client: Client;

beforeAll(async () => {
  network = await createTestNetwork(3);
  stored = memoryStore();
  const owner = await network.owner({ store: stored });
  const servers = network.servers.map(({ name }) => name);
  for (const name of KEYS)
    await owner.createKey({ name, purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
});
beforeEach(async () => {
  network.makeHonest();
  client = ownerClient(network.send, () => network.now, { store: await copyStore(stored) });
});
afterEach(() => client.close());
afterAll(() => network.close());

const details = (code: string) => ({ code, hint: 'ask the operator' });
const refusals = [
  new AccessError('the account is suspended', details('ACCOUNT_SUSPENDED')),
  new PolicyError('too many requests', details('RATE_LIMITED')),
  new StateError('the message is from the future', details('MESSAGE_TOO_EARLY')),
];
const refusing =
  (error: Error): Tamper =>
  async () => {
    throw error;
  };
const showing =
  (change: (shown: Result<'key.show'>) => Result<'key.show'>): Tamper =>
  async ({ name }, honest) =>
    name === 'key.show' ? change((await honest()) as Result<'key.show'>) : honest();

describe('a server that is asked for its copy of a key', () => {
  test('and has stopped it because two certificates of an epoch hold is not shown as sound, nor as answering', async () => {
    const forked: Tamper = async ({ name }, honest) => {
      const result = (await honest()) as Result<'key.show'> & Result<'key.list'>;
      if (name === 'key.show') return { ...result, key: { ...result.key, forked: 1 } };
      if (name === 'key.list') return { ...result, keys: result.keys.map((key) => ({ ...key, forked: 1 })) };
      return result;
    };
    network.server('bravo').tamper = forked;
    const { isSound, servers } = await client.verifyKey('ink');
    expect([isSound, ...servers.map(({ verdict }) => verdict)]).toEqual([false, 'holds', 'forked', 'holds']);
    const ink = (await client.status()).keys.find(({ name }) => name === 'ink')!;
    expect([ink.reachable, ink.margin]).toEqual([['alpha', 'charlie'], 0]);
    const lines = (await client.diagnose()).filter(({ subject }) => subject.endsWith(' on bravo'));
    expect(lines).toMatchObject([{ level: 'fail' }]);
  });

  test.each(refusals)('and says no ($code) is not accused of holding another key', async (error) => {
    network.server('bravo').tamper = refusing(error);
    const { isSound, servers } = await client.verifyKey('ink');
    expect(isSound).toBe(false);
    expect(servers.map(({ verdict }) => verdict)).toEqual(['holds', 'refused', 'holds']);
    expect(servers[1]).toMatchObject({ code: error.code, text: `server bravo: ${error.message}` });
  });

  test.each<[string, Tamper, string]>([
    [
      'another certificate',
      showing((shown) => ({ ...shown, certificate: shown.certificate!.slice(1) })),
      'holds a certificate of another key, or one that does not hold',
    ],
    [
      'another policy',
      showing((shown) => ({ ...shown, policy: { ...shown.policy, blindAllowed: true } })),
      'follows another policy than the certified one',
    ],
  ])('and shows %s is', async (_what, tamper, text) => {
    network.server('bravo').tamper = tamper;
    const { servers } = await client.verifyKey('ink');
    expect(servers[1]).toMatchObject({ verdict: 'differs', text, code: null });
  });

  test('and has not seen the certificate awaits it', async () => {
    network.server('bravo').tamper = showing((shown) => ({ ...shown, certificate: null }));
    expect((await client.verifyKey('ink')).servers[1]).toMatchObject({ verdict: 'pending' });
  });
});

describe('doctor', () => {
  const about = async (name: string) =>
    (await client.diagnose()).filter(({ level, subject }) => level !== 'ok' && subject.includes(name));

  test('says once that an account is suspended, not once for each key', async () => {
    network.server('bravo').tamper = refusing(refusals[0]!);
    expect(await about('bravo')).toMatchObject([
      { level: 'fail', subject: 'bravo', text: 'server bravo: the account is suspended' },
    ]);
  });

  test('says once that a server does not answer', async () => {
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    expect(await about('bravo')).toMatchObject([{ level: 'fail', subject: 'bravo' }]);
  });

  test('says once what a server refuses for every key, and names the keys', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name === 'key.show') throw refusals[1]!;
      return honest();
    };
    expect(await about('bravo')).toEqual([
      {
        level: 'warn',
        subject: 'ink, paper, wax on bravo',
        text: 'server bravo: too many requests',
        fix: 'ask the operator of bravo; what that means',
        remedy: { kind: 'read', code: 'RATE_LIMITED' },
      },
    ]);
  });
});
