import { isDrillKeyId } from '@ckm/api';
import { PolicyError } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  otherWords,
  ownerClient,
  recordsOf,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';
import { hearSteps } from '../test/told-steps.js';
import { changeDrills, DRILL_EVERY_SECONDS, MOST_DRILLS } from './drill-record.js';

let network: TestNetwork;
let store: ClientStore;
let client: Client;
const SERVERS = ['alpha', 'bravo', 'charlie'];
const INK = { name: 'ink', lost: 'bravo' };

beforeEach(async () => {
  network = await createTestNetwork(3);
  store = memoryStore();
  client = await network.owner({ store });
  await client.createKey({ name: 'ink', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS });
  network.makeHonest();
});
afterEach(() => network.close());

const statusOf = async () => (await client.status()).keys.find(({ name }) => name === 'ink')!.drills;

/** Ids of keys that a server has of its owner, by whether they are of drills. */
async function keysAt(name: string) {
  const { context } = network.server(name).bare;
  const rows = await context.storage.read(({ keys }) => keys.listAll(null, 64));
  return {
    drills: rows.filter((row) => isDrillKeyId(row.keyId)),
    live: rows.filter((row) => !isDrillKeyId(row.keyId)),
  };
}

async function expectNothingLeft(): Promise<void> {
  for (const name of SERVERS) expect((await keysAt(name)).drills).toEqual([]);
  for (const folder of ['drillkeys', 'drillsessions', 'drillrequests', 'drillpool'])
    expect(await store.list(folder)).toEqual([]);
}

describe('client.drillKey', () => {
  test('has a server forget a share, get it back from the others and sign with it, and leaves nothing but its date', async () => {
    const before = await Promise.all(SERVERS.map(async (name) => (await keysAt(name)).live));
    const steps = hearSteps('drill');
    const drill = await client.drillKey(INK, steps.on);
    steps.expectAll();
    expect(drill).toMatchObject({
      ...INK,
      epoch: 0,
      way: 'peers',
      helpers: ['alpha', 'charlie'],
      notTold: [],
      nextAt: network.now + DRILL_EVERY_SECONDS,
    });
    expect(drill.signers.toSorted()).toEqual(['alpha', 'bravo']);
    // Of the key itself not a row has changed.
    expect(await Promise.all(SERVERS.map(async (name) => (await keysAt(name)).live))).toEqual(before);
    await expectNothingLeft();
    expect((await client.listKeys()).map(({ name }) => name)).toEqual(['ink']);
    expect(await client.listSessions()).toHaveLength(1);
    expect(await statusOf()).toMatchObject({
      lastAt: network.now,
      server: 'bravo',
      isOverdue: false,
      failed: null,
    });
  });

  test('shows the key of a drill nowhere while it goes on: not in lists, not to those who fetch, not by its name', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name === 'drill.forget') throw unreachable('bravo');
      return honest();
    };
    await expect(client.drillKey(INK)).rejects.toMatchObject({
      code: 'DRILL_NOT_OVER',
      errorClass: 'AvailabilityError',
    });
    expect((await keysAt('alpha')).drills).toHaveLength(1);
    const name = (await store.list('drillkeys'))[0]!.slice('drillkeys/'.length);
    expect((await client.listKeys()).map((key) => key.name)).toEqual(['ink']);
    await expect(client.showKey(name)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    await expect(client.sign({ key: name, ...messageOf('pay mallory') })).rejects.toMatchObject({
      code: 'KEY_UNKNOWN',
    });
    const status = await client.status();
    expect(status.servers.map(({ unrecorded }) => unrecorded)).toEqual([0, 0, 0]);
    expect((await client.fetchKeys()).keys).toEqual([]);
    expect((await client.status()).openSessions).toEqual([]);
    expect(await statusOf()).toMatchObject({ lastAt: null, open: { server: 'bravo' } });
    network.makeHonest();
    expect(await client.drillKey(INK)).toMatchObject({ way: 'peers' });
    expect((await keysAt('alpha')).drills).toEqual([]);
  });

  test('names who keeps a server from being made again, and has the key forgotten all the same', async () => {
    network.server('charlie').tamper = async ({ name, parameters }, honest) => {
      const { proposal } = parameters as { readonly proposal?: { readonly kind: string } };
      if (name === 'session.propose' && proposal?.kind === 'repair')
        throw new PolicyError('no', { code: 'POLICY_KIND', hint: 'ask the operator', retryable: false });
      return honest();
    };
    await expect(client.drillKey(INK)).rejects.toMatchObject({
      code: 'DRILL_FAILED',
      errorClass: 'PolicyError',
      message: expect.stringContaining('giving bravo its share back') as string,
      facts: expect.objectContaining({ server: 'charlie', said: 'POLICY_KIND' }) as object,
    });
    await expectNothingLeft();
    expect(await statusOf()).toMatchObject({ lastAt: null, failed: { server: 'bravo' }, open: null });
    const lines = await client.diagnose();
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'fail',
        subject: 'ink',
        remedy: { kind: 'drillKey', key: 'ink', server: 'bravo' },
      }),
    );
    network.makeHonest();
    await client.drillKey(INK);
    expect(await statusOf()).toMatchObject({ failed: null });
  });

  test('takes a full account for no sign that anything could not be made again', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name !== 'session.propose') return honest();
      throw new PolicyError('too many keys', {
        code: 'QUOTA_KEYS',
        hint: 'ask the operator',
        retryable: false,
      });
    };
    await expect(client.drillKey(INK)).rejects.toMatchObject({
      code: 'DRILL_NOT_OVER',
      errorClass: 'PolicyError',
      facts: expect.objectContaining({ said: 'QUOTA_KEYS' }) as object,
    });
    expect(await statusOf()).toMatchObject({ failed: null, open: { server: 'bravo' } });
    network.makeHonest();
    expect(await client.drillKey(INK)).toMatchObject({ way: 'peers' });
  });

  test('suspects a helper whose answer gives no share, by name, and does not say that the server could be made again', async () => {
    const alpha = network.server('alpha');
    alpha.tamper = async ({ name }, honest) => {
      const view = (await honest()) as { readonly kind?: string; readonly outbox?: readonly Uint8Array[] };
      if (!name.startsWith('session.') || view.kind !== 'repair' || view.outbox === undefined) return view;
      const outbox = view.outbox.map((bytes) =>
        otherWords(alpha, bytes, ({ round, payload }) =>
          round === 2
            ? { payload: payload.map((byte, at) => (at === payload.length - 1 ? byte ^ 1 : byte)) }
            : {},
        ),
      );
      return { ...view, outbox };
    };
    await expect(client.drillKey(INK)).rejects.toMatchObject({
      code: 'DRILL_FAILED',
      errorClass: 'PeerFaultError',
      message: expect.stringContaining('alpha') as string,
    });
    expect(await statusOf()).toMatchObject({ lastAt: null, failed: { server: 'bravo' } });
    await expectNothingLeft();
  });

  test('waits for a server that does not answer, and finds nothing against it', async () => {
    network.server('alpha').wire = () => Promise.reject(unreachable('alpha'));
    await expect(client.drillKey(INK)).rejects.toMatchObject({ code: 'DRILL_NOT_OVER' });
    expect((await client.pastDrills('ink')).history).toEqual([]);
  });

  test('of another server, or in another epoch, is begun anew, and what was left is cleared away', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name === 'drill.forget') throw unreachable('bravo');
      return honest();
    };
    await expect(client.drillKey(INK)).rejects.toMatchObject({ code: 'DRILL_NOT_OVER' });
    expect(await client.planDrill(INK)).toMatchObject({ isUnderWay: true });
    network.makeHonest();
    expect(await client.planDrill({ ...INK, lost: 'charlie' })).toMatchObject({
      isUnderWay: false,
      servers: SERVERS,
    });
    expect(await client.drillKey({ ...INK, lost: 'charlie' })).toMatchObject({
      lost: 'charlie',
      helpers: ['alpha', 'bravo'],
    });
    await expectNothingLeft();
  });

  test('says that there is nothing to rehearse where every server is needed, and who is no server of the key', async () => {
    await client.createKey({
      name: 'all',
      purpose: 'message',
      quorum: { needed: 2, of: 2 },
      servers: ['alpha', 'bravo'],
    });
    await expect(client.drillKey({ name: 'all', lost: 'bravo' })).rejects.toMatchObject({
      code: 'DRILL_IMPOSSIBLE',
    });
    expect(await client.drillDue('all')).toBeNull();
    await expect(client.drillKey({ name: 'ink', lost: 'zulu' })).rejects.toMatchObject({
      code: 'QUORUM_SERVERS_MISMATCH',
    });
    await expect(
      client.createKey({ name: 'x', purpose: 'drill', quorum: { needed: 2, of: 3 }, servers: SERVERS }),
    ).rejects.toMatchObject({ code: 'PURPOSE_UNKNOWN' });
  });
});

describe('what is on record of drills', () => {
  test('is overdue half a year after the key was made, or after the last one, unless its owner said otherwise', async () => {
    expect(await statusOf()).toMatchObject({
      lastAt: null,
      dueAt: network.now + DRILL_EVERY_SECONDS,
      isOverdue: false,
    });
    network.now += DRILL_EVERY_SECONDS;
    expect((await statusOf()).isOverdue).toBe(true);
    expect(await client.diagnose()).toContainEqual(
      expect.objectContaining({ level: 'warn', subject: 'ink', text: 'has never been drilled' }),
    );
    expect(await client.scheduleDrills('ink', null)).toBeNull();
    expect(await statusOf()).toMatchObject({ dueAt: null, isOverdue: false });
    expect(await client.scheduleDrills('ink', 86_400)).toBeLessThan(network.now);
    await client.drillKey(INK);
    expect(await client.drillDue('ink')).toBe(network.now + 86_400);
  });

  test('is kept for the latest drills', async () => {
    await client.drillKey(INK);
    const { keyId } = await client.showKey('ink');
    const past = { at: 1, epoch: 0, server: 'alpha', way: 'peers', code: null } as const;
    const record = await changeDrills(recordsOf(store), keyId, (before) => ({
      ...before,
      history: [...Array.from({ length: MOST_DRILLS }, () => past), ...before.history],
    }));
    expect(record.history).toHaveLength(MOST_DRILLS);
    expect((await client.pastDrills('ink')).history.at(-1)).toMatchObject({
      server: 'bravo',
      at: network.now,
    });
  });
});

describe('client.clearDrills', () => {
  test('has every server forget what another client left, and leaves alone what goes on here', async () => {
    const other = ownerClient(network.send, () => network.now, { store: await copyStore(store) });
    for (const server of network.servers)
      server.tamper = ({ name }, honest) =>
        name === 'request.ask' ? Promise.reject(unreachable(server.name)) : honest();
    for (const one of [other, client])
      await expect(one.drillKey(INK)).rejects.toMatchObject({ code: 'DRILL_NOT_OVER' });
    await other.close();
    network.makeHonest();
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    const one = (server: string) => ({ server, count: 1, code: null });
    const silent = { server: 'charlie', count: 0, code: 'SERVER_UNREACHABLE' };
    expect(await client.planClearing()).toEqual([one('alpha'), one('bravo'), silent]);
    expect((await keysAt('alpha')).drills).toHaveLength(2);
    expect(await client.clearDrills()).toEqual([one('alpha'), one('bravo'), silent]);
    network.makeHonest();
    expect(await client.clearDrills()).toEqual([
      { ...one('alpha'), count: 0 },
      { ...one('bravo'), count: 0 },
      one('charlie'),
    ]);
    for (const name of SERVERS) expect((await keysAt(name)).live).toHaveLength(1);
    expect(await client.drillKey(INK)).toMatchObject({ lost: 'bravo', way: 'peers' });
    await expectNothingLeft();
  });
});
