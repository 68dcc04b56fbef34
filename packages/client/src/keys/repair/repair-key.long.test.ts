// @module-tag long
import { PolicyError } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import { copyDisk, loseDisk, loseShare } from '../../test/disks.js';
import { approveSessions } from '../../test/operators.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const BRAVO = { name: 'letters', server: 'bravo' };
let network: TestNetwork;
let store: ClientStore;
let client: Client;

async function begin(settings: object = {}): Promise<void> {
  network = await createTestNetwork(3, { settings });
  store = memoryStore();
  client = await network.owner({ store, timeoutMs: 300 });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    ...('backup' in settings && settings.backup === 'static' ? { policy: { recovery: 'static' } } : {}),
  });
}

beforeEach(() => begin());
afterEach(() => network.close());

/** Operators say yes to what waits at their servers. */
const approve = (...names: readonly string[]) => approveSessions(network, ...names);

const waitingFor = (...servers: string[]) => ({ code: 'SERVERS_MISSING', facts: { servers } });

/** Up to where everything waits for the operators of those who help. */
async function askHelpers(): Promise<void> {
  await expect(client.repairKey(BRAVO)).rejects.toMatchObject({
    ...waitingFor('bravo'),
    message: 'the operator of bravo has not decided yet',
  });
  await approve('bravo');
  await expect(client.repairKey(BRAVO)).rejects.toMatchObject({
    ...waitingFor('alpha', 'charlie'),
    message: 'the operators of alpha and charlie have not decided yet',
  });
}

describe('a share that is lost', () => {
  test('comes back when the operator has said so and the helpers agree, and signs; the same call goes on each time', async () => {
    await loseShare(network.server('bravo'));
    expect(await client.planRepair(BRAVO)).toEqual({
      server: 'bravo',
      slot: 2,
      helpers: ['alpha', 'charlie'],
      needed: 2,
      isUnderWay: false,
      ends: null,
    });
    await askHelpers();
    expect(await client.planRepair(BRAVO)).toMatchObject({ isUnderWay: true });
    const [session, ...more] = await client
      .listSessions()
      .then((all) => all.filter(({ state }) => state === 'open'));
    expect(more).toEqual([]);
    expect(client.describeSession(session!)).toMatchObject({
      title: 'giving bravo its share of letters back',
      details: expect.arrayContaining([['Helping', 'alpha, charlie']]) as unknown,
    });
    await approve('alpha', 'charlie');
    const steps = hearSteps('repair');
    expect(await client.repairKey(BRAVO, steps.on)).toEqual({
      outcome: 'repaired',
      key: 'letters',
      server: 'bravo',
      helpers: ['alpha', 'charlie'],
    });
    steps.expectAll();
    const { signers } = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['charlie'] });
    expect(signers).toEqual(['alpha', 'bravo']);
  });

  test('is gone on with by another process of the owner, by the id of the session', async () => {
    await loseShare(network.server('bravo'));
    await askHelpers();
    await approve('alpha', 'charlie');
    const open = (await client.listSessions()).find(({ state }) => state === 'open');
    const later = ownerClient(network.send, () => network.now, { store });
    const outcome = await later.resumeSession(Buffer.from(open!.sessionId).toString('hex'));
    expect(outcome).toMatchObject({ kind: 'repair', server: 'bravo' });
    await later.close();
  });

  test('is not asked for by anybody when the server can take it from the certificate, or has it', async () => {
    expect(await client.repairKey(BRAVO)).toEqual({ outcome: 'held', server: 'bravo' });
    await network.close();
    await begin({ backup: 'static' });
    await loseShare(network.server('bravo'));
    expect(await client.repairKey(BRAVO)).toEqual({ outcome: 'held', server: 'bravo' });
    expect((await client.listSessions()).filter(({ state }) => state === 'open')).toEqual([]);
  });

  test('of an epoch that it missed comes by its certificate; to one restored from a backup of before, by the others', async () => {
    const bravo = network.server('bravo');
    const folder = await copyDisk(bravo);
    bravo.tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('bravo')) : honest();
    await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    bravo.tamper = null;
    expect(await client.repairKey(BRAVO)).toEqual({ outcome: 'held', server: 'bravo' });
    await bravo.restart({ dataDir: folder });
    await bravo.bare.sessions.voidOpen('the database is an older one');
    await askHelpers();
    await approve('alpha', 'charlie');
    expect(await client.repairKey(BRAVO)).toMatchObject({ outcome: 'repaired' });
    const { signers } = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['charlie'] });
    expect(signers).toEqual(['alpha', 'bravo']);
  });

  test('cannot come back while too few of the others answer, and who is missing is said', async () => {
    await loseShare(network.server('bravo'));
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    await expect(client.planRepair(BRAVO)).rejects.toMatchObject(waitingFor('charlie'));
    await expect(client.planRepair({ ...BRAVO, helpers: ['alpha', 'bravo'] })).rejects.toMatchObject({
      code: 'QUORUM_SERVERS_MISMATCH',
    });
  });

  test('does not come back when an operator says no, and his reason reaches the owner', async () => {
    await loseShare(network.server('bravo'));
    await askHelpers();
    const { sessionDesk } = network.server('alpha').bare.sessions;
    const [waiting] = (await sessionDesk.list()).sessions;
    await sessionDesk.reject(waiting!, 'I was not called');
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject({
      code: 'SESSION_REJECTED',
      message: 'alpha does not take part: I was not called',
    });
    expect(await client.planRepair(BRAVO)).toMatchObject({ isUnderWay: false });
  });

  test('V30: a server that states the loss of another is named, and nobody is asked to help', async () => {
    await loseShare(network.server('bravo'));
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    await approve('bravo');
    network.server('bravo').tamper = async ({ name }, honest) => {
      const view = (await honest()) as { offer: { loss: Uint8Array } | null };
      if (name !== 'session.propose' || view.offer === null) return view;
      const loss = view.offer.loss.slice();
      loss[loss.length - 1]! ^= 1;
      return { ...view, offer: { loss } };
    };
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject({
      code: 'FAULT_SIGNATURE_INVALID',
      facts: { servers: ['bravo'] },
    });
    expect((await network.server('alpha').bare.sessions.sessionDesk.list()).sessions).toEqual([]);
  });

  test('L6: another device of the owner is shown a repair that it did not begin, and stops it; the time begins anew', async () => {
    await loseShare(network.server('bravo'));
    await askHelpers();
    const shown = (await client.status()).keys[0]!.strangeRepairs;
    expect(shown).toEqual([]);
    const elsewhere = await copyStore(store);
    for (const path of await elsewhere.list('sessions')) await elsewhere.delete(path);
    const device = ownerClient(network.send, () => network.now, { store: elsewhere });
    const [key] = (await device.status()).keys;
    expect(key!.strangeRepairs).toEqual([{ servers: ['alpha', 'bravo', 'charlie'], target: 'bravo' }]);
    expect(await device.diagnose()).toContainEqual(
      expect.objectContaining({
        level: 'fail',
        subject: 'letters on alpha, bravo and charlie',
        remedy: { kind: 'stopRepair', key: 'letters', server: 'bravo' },
      }),
    );
    expect(await device.stopRepair(BRAVO)).toEqual({ stopped: SERVERS, silent: [], refused: [] });
    expect(await device.stopRepair(BRAVO)).toEqual({ stopped: [], silent: [], refused: [] });
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject({ code: 'SESSION_CANCELLED' });
    await device.close();
  });

  test('is stopped at the others though the server that is to get the share refuses first', async () => {
    await loseShare(network.server('bravo'));
    await askHelpers();
    const refusing = new PolicyError('no', { code: 'RATE_LIMITED', hint: 'wait' });
    network.server('bravo').tamper = () => Promise.reject(refusing);
    expect(await client.stopRepair(BRAVO)).toMatchObject({
      stopped: ['alpha', 'charlie'],
      silent: [],
      refused: [{ server: 'bravo', code: 'RATE_LIMITED' }],
    });
  });

  test('comes back in the epoch that a refresh made', async () => {
    await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    await loseShare(network.server('bravo'));
    await askHelpers();
    await approve('alpha', 'charlie');
    expect(await client.repairKey(BRAVO)).toMatchObject({ outcome: 'repaired' });
    const { signers } = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['charlie'] });
    expect(signers).toEqual(['alpha', 'bravo']);
  });

  test('is refreshed afterwards: the repaired server has nothing to deal with, and others deal', async () => {
    await loseShare(network.server('bravo'));
    await askHelpers();
    await approve('alpha', 'charlie');
    await client.repairKey(BRAVO);
    await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    const { signers } = await client.sign({ key: 'letters', ...messageOf('fresh'), without: ['charlie'] });
    expect(signers).toEqual(['alpha', 'bravo']);
  });

  test('of a later epoch is never taken from the first certificate, which static backup opens: the old epoch stays over', async () => {
    await network.close();
    await begin({ backup: 'static' });
    await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    await loseDisk(network.server('bravo'));
    network.server('bravo').asked.length = 0;
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject(waitingFor('bravo'));
    expect(network.server('bravo').asked).not.toContain('key.restore');
    await approve('bravo');
    await expect(client.repairKey(BRAVO)).rejects.toMatchObject(waitingFor('alpha', 'charlie'));
    await approve('alpha', 'charlie');
    expect(await client.repairKey(BRAVO)).toMatchObject({ outcome: 'repaired' });
    expect((await client.verifyKey('letters')).isSound).toBe(true);
  });
});
