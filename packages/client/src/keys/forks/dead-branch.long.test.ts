// @module-tag long
import { CkmError, equalBytes, StateError } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { copyDisk, loseDisk } from '../../test/disks.js';
import { changeAsked, createForkedKey, type ForkedKey, splitKey } from '../../test/forked-key.js';
import { approveChanges, approveSessions } from '../../test/operators.js';
import {
  asOwner,
  createOwnedKey,
  epochOf,
  type Machine,
  NAME,
  type OwnedKey,
  REFRESH,
  requorum,
  signersOf,
} from '../../test/owned-key.js';
import type { Asked } from '../../test/test-network.js';
import { certificatesOf } from '../chain/key-chain.js';
import { nameOfEpoch } from '../chain/names-of-epochs.js';
import type { RepairKeyArgs } from '../repair/repair-key.js';

let key: OwnedKey;
afterEach(() => key.close());

const DAY = 86_400;
const certificateOf = async (client: Client, epoch: number) =>
  certificatesOf((await client.showKey(NAME)).record)[epoch]!;

async function forked(): Promise<ForkedKey> {
  const made = await createForkedKey();
  key = made;
  return made;
}

/** The same machine without what it has on record of settling. */
async function forgetful(of: Machine): Promise<Machine> {
  const machine = await key.another(of);
  for (const path of await machine.store.list('settlements')) await machine.store.delete(path);
  return machine;
}

/** Settled by that machine, also at the server that came to the key by the other certificate, whose operator agrees. */
async function settledEverywhere({ network }: Pick<OwnedKey, 'network'>, { client }: Machine): Promise<void> {
  await client.settleKey({ name: NAME });
  await approveChanges(network);
  expect(await client.settleKey({ name: NAME })).toMatchObject({ awaited: [] });
}

/** Whatever it costs: the key is not changed again in this epoch. */
async function repaired(client: Client, server: string): Promise<void> {
  const asked = { name: NAME, server };
  let read: Pick<RepairKeyArgs, 'endsChanges'> = {};
  for (let turn = 0; turn < 6; turn++) {
    try {
      expect(await client.repairKey({ ...asked, ...read })).toMatchObject({ server });
      return;
    } catch (error) {
      if (!(error instanceof CkmError) || turn === 5) throw error;
      if (error.code === 'REPAIR_ENDS_CHANGES')
        read = { endsChanges: (await client.planRepair(asked)).ends! };
      await approveSessions(key.network);
    }
  }
}

/** Names of servers that are shown a certificate, in whatever is asked of them but to settle a fork. */
function watchFor(certificate: Uint8Array): string[] {
  const shown: string[] = [];
  const holds = (value: unknown): boolean =>
    value instanceof Uint8Array
      ? equalBytes(value, certificate)
      : typeof value === 'object' && value !== null && Object.values(value).some(holds);
  for (const server of key.network.servers)
    server.tamper = ({ name, parameters }, honest) => {
      if (!name.startsWith('fork.') && holds(parameters)) shown.push(`${name} at ${server.name}`);
      return honest();
    };
  return shown;
}

describe('a machine behind the certificate that was settled against', () => {
  test('goes over by itself with whatever it is told to do, blames nobody, and shows its certificate to no server', async () => {
    const { network, one: dead, other } = await forked();
    const settled = await other.client.settleKey({ name: NAME });
    expect(settled).toMatchObject({ isAsOrdered: true, isOver: true, lost: ['charlie'] });
    const shown = watchFor(await certificateOf(dead.client, 1));
    /** Does something at a machine of its own that knows of no settlement, and looks by what it goes on then. */
    const at = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
      const machine = await key.another(dead);
      const done = await work(machine.client);
      const { record } = await machine.client.showKey(NAME);
      expect(nameOfEpoch(record, 1)).toEqual(settled.transcriptHash);
      expect(await machine.store.list('evidence')).toEqual([]);
      return done;
    };

    expect(await at((one) => signersOf(one))).toEqual(['bravo', 'echo']);
    const checked = await at((one) => one.checkKey(NAME));
    expect(checked.servers.map(({ server, verdict }) => [server, verdict])).toEqual([
      ['bravo', 'holds'],
      ['charlie', 'refused'],
      ['echo', 'holds'],
    ]);
    const verified = await at((one) => one.verifyKey(NAME));
    expect(verified.servers.map(({ server }) => server)).toEqual(['bravo', 'charlie', 'echo']);
    const repair = { name: NAME, server: 'charlie' };
    const looking = await key.another(dead);
    await expect(looking.client.planRepair(repair)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    expect((await looking.client.showKey(NAME)).record).toEqual((await dead.client.showKey(NAME)).record);
    const plan = await at((one) => one.planRepair(repair, { follows: true }));
    expect(plan.helpers).toEqual(['bravo', 'echo']);
    await at((one) => repaired(one, 'charlie'));
    expect(await at((one) => signersOf(one, { text: 'again' }))).toHaveLength(2);

    // What no record of it says any more: the key has gone on since.
    network.now += DAY;
    expect(await at((one) => changeAsked(network, { client: one, wish: { kind: 'refresh' } }))).toMatchObject(
      { epoch: 2 },
    );
    expect(await at((one) => signersOf(one, { text: 'later' }))).toHaveLength(2);
    const frozen = await at((one) => one.freezeKey(NAME, 3_600));
    expect(frozen).toMatchObject({ isStopped: true, quorum: { needed: 2, of: 3 }, fork: null });
    const thawed = await at((one) => one.thawKey(NAME));
    expect(thawed.servers.map(({ server }) => server)).toEqual(['bravo', 'charlie', 'echo']);
    expect(shown).toEqual([]);
  });

  test('is told that the key is forked, and what leads out of it, while nothing is settled and too few sign by its certificate', async () => {
    const { network, one } = await forked();
    const { client } = one;
    // One server that signed twice, and one that stands behind the other certificate, keep nobody from signing.
    expect(await signersOf(client)).toHaveLength(2);
    const { keys } = await client.status();
    expect(keys[0]).toMatchObject({
      reachable: ['alpha', 'charlie', 'delta'],
      elsewhere: [
        { server: 'bravo', epoch: 1, isFrozen: false },
        { server: 'echo', epoch: 1, isFrozen: false },
      ],
    });
    network.cut('alpha');
    network.cut('delta');
    const { client: alone, store: records } = await key.another(one);
    await expect(signersOf(alone)).rejects.toMatchObject({
      code: 'KEY_FORKED',
      remedy: { kind: 'settleKey', key: NAME },
    });
    await expect(alone.checkKey(NAME)).rejects.toMatchObject({ code: 'KEY_FORKED' });
    const { servers } = await alone.verifyKey(NAME);
    expect(servers.find(({ server }) => server === 'bravo')).toMatchObject({ verdict: 'forked' });
    expect(await records.list('evidence')).toEqual([]);
  });

  test('status and doctor do not say that a forked key is stopped while those of the other certificate are not frozen', async () => {
    const { network, one } = await forked();
    const { client } = one;
    network.cut('echo');
    await client.freezeKey(NAME, 3_600);
    network.makeHonest();
    const [status] = (await client.status()).keys;
    expect(status!.frozen.map(({ server }) => server)).toEqual(['alpha', 'bravo', 'charlie', 'delta']);
    expect(status!.elsewhere).toEqual([
      { server: 'bravo', epoch: 1, isFrozen: true },
      { server: 'echo', epoch: 1, isFrozen: false },
    ]);
    const lineOf = async () =>
      (await client.diagnose()).find(
        ({ remedy }) => remedy?.kind === 'freezeKey' || remedy?.kind === 'thawKey',
      );
    expect(await lineOf()).toMatchObject({ level: 'fail', remedy: { kind: 'freezeKey' } });
    expect((await lineOf())!.text).toMatch(/may NOT be stopped.*echo/);
    await client.freezeKey(NAME, null);
    expect(await lineOf()).toMatchObject({ level: 'warn', remedy: { kind: 'freezeKey' } });
    expect((await lineOf())!.text).toMatch(/forked/);
  });
});

describe('a server that was made from nothing in the epoch that was settled, and is stopped by the dead certificate', () => {
  async function stopped(): Promise<ForkedKey> {
    const made = await forked();
    const { network, one, other } = made;
    const dead = await certificateOf(one.client, 1);
    await other.client.settleKey({ name: NAME });
    await repaired(other.client, 'charlie');
    await loseDisk(network.server('echo'));
    await repaired(other.client, 'echo');
    // The others tell it how far the key is, which it asks since its disk is gone.
    await other.client.checkKey(NAME);
    const echo = await asOwner(network.server('echo'));
    const { keyId } = await other.client.showKey(NAME);
    await expect(echo.call('change.commit', { keyId, certificate: dead })).rejects.toMatchObject({
      code: 'KEY_FORKED',
    });
    network.cut('charlie');
    return made;
  }

  test('is shown what was settled by whoever has it on record, though nobody else shows it, and answers', async () => {
    const { network, other } = await stopped();
    for (const name of ['alpha', 'bravo', 'delta', 'echo']) network.cut(name, 'fork.show');
    expect(await signersOf(other.client)).toEqual(['bravo', 'echo']);
  });

  test('is shown it by a machine that hears of it from the others', async () => {
    const { other } = await stopped();
    const { client } = await forgetful(other);
    expect(await signersOf(client)).toEqual(['bravo', 'echo']);
  });
});

test('what one server says of another certificate, without one that holds, keeps nobody from signing and is taken over by nobody', async () => {
  key = await createOwnedKey();
  const { network, client } = key;
  network.now += DAY;
  await client.changeKey(REFRESH);
  const { newest } = await client.showKey(NAME);
  const liar = network.server('charlie');
  const another = new Uint8Array(32).fill(7);
  const rubbish = new Uint8Array(80).fill(3);
  liar.tamper = async ({ name }, honest) => {
    if (name === 'request.ask' || name === 'key.check')
      throw new StateError('another one', { code: 'KEY_EPOCH_DIFFERS', hint: 'ask', facts: { epoch: 1 } });
    const said = (await honest()) as { readonly key?: object };
    if (name === 'key.show') return { ...said, key: { ...said.key, transcriptHash: another } };
    if (name !== 'fork.show') return said;
    const certificates = [rubbish, rubbish];
    return { ...said, settled: { certificates, promises: rubbish, yields: rubbish } };
  };
  expect(await signersOf(client)).toEqual(['alpha', 'bravo']);
  const { servers: verdicts } = await client.checkKey(NAME);
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'refused']);
  network.cut('bravo');
  await expect(signersOf(client)).rejects.toMatchObject({ code: 'TOO_FEW_SERVERS' });
  expect((await client.showKey(NAME)).newest.transcriptHash).toEqual(newest.transcriptHash);
});

/** What a server that lies says of its way on: one certificate behind the first epoch, and nothing else. */
function showing(certificate: Uint8Array, parameters: unknown) {
  const { after } = parameters as { readonly after: number | null };
  return { certificates: after === 0 ? [certificate] : [], next: null };
}

/** It says that it stands behind another certificate, and does nothing by the one that is meant. */
async function elsewhere({ name }: Asked, honest: () => Promise<unknown>): Promise<unknown> {
  if (name === 'request.ask')
    throw new StateError('another one', { code: 'KEY_EPOCH_DIFFERS', hint: 'ask', facts: { epoch: 1 } });
  if (name !== 'key.show') return honest();
  const said = (await honest()) as { readonly key: object };
  return { ...said, key: { ...said.key, transcriptHash: new Uint8Array(32).fill(7) } };
}

test('a dead certificate that one server shows again and again hides no later fork from a machine, nor what was settled of that', async () => {
  const { network, one, other } = await forked();
  const dead = await certificateOf(one.client, 1);
  await settledEverywhere(key, other);
  await repaired(other.client, 'charlie');
  network.now += DAY;
  expect(await changeAsked(network, { ...other, wish: { kind: 'refresh' } })).toMatchObject({ epoch: 2 });
  network.now += DAY;
  const [left, right] = [await key.another(other), await key.another(other)];
  await splitKey(
    network,
    { ...left, with: 'bravo', wish: requorum(2, ['bravo', 'charlie', 'echo', 'delta']) },
    { ...right, with: 'echo', wish: requorum(2, ['alpha', 'charlie', 'echo']) },
  );
  network.server('charlie').tamper = ({ name, parameters }, honest) => {
    if (name === 'fork.end') return Promise.resolve({ goesOver: false });
    return name === 'key.chain' ? Promise.resolve(showing(dead, parameters)) : honest();
  };

  const { client } = right;
  network.cut('alpha');
  await expect(signersOf(client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
  network.server('alpha').wire = null;

  const settled = await left.client.settleKey({ name: NAME });
  expect(settled).toMatchObject({ epoch: 3, isAsOrdered: true });
  // Alpha came by the other one, and charlie shows nothing: alpha and echo are the quorum that took it in.
  await approveChanges(network);
  await left.client.settleKey({ name: NAME });
  expect(await signersOf(client)).toHaveLength(2);
  expect(nameOfEpoch((await client.showKey(NAME)).record, 3)).toEqual(settled.transcriptHash);
});

test('a machine that knows what one server shows against tells those alone that do not show what was settled', async () => {
  const { network, one, other } = await forked();
  const dead = await certificateOf(one.client, 1);
  await settledEverywhere(key, other);
  network.server('bravo').tamper = async (asked, honest) =>
    asked.name === 'key.chain' ? showing(dead, asked.parameters) : elsewhere(asked, honest);
  for (const server of network.servers) server.asked.length = 0;
  await expect(signersOf(other.client)).rejects.toBeInstanceOf(CkmError);
  const told = network.servers.filter(({ asked }) => asked.includes('fork.end')).map(({ name }) => name);
  // Charlie waits for its share, and says KEY_FORKED to whoever asks.
  expect(told).toEqual(['charlie']);
});

describe('servers that settled an epoch long ago, and have settled on its other certificate too', () => {
  /** Alpha lies from `lie` on: it shows the certificate that was settled against, and votes by which it counts. */
  async function settledTwice() {
    const made = await forked();
    const { network, one, other } = made;
    const { keyId } = await one.client.showKey(NAME);
    const disks = [];
    for (const server of network.servers) disks.push({ server, dataDir: await copyDisk(server) });
    await other.client.settleKey({ name: NAME });
    const bravo = await asOwner(network.server('bravo'));
    const { settled: proof } = await bravo.call('fork.show', { keyId, epoch: 0 });
    for (const { server, dataDir } of disks) await server.restart({ dataDir });
    const dead = await certificateOf(other.client, 1);
    const settled = await one.client.settleKey({ name: NAME });
    expect(settled).toMatchObject({ isAsOrdered: true, isOver: true });
    expect(proof).toBeDefined();
    const lie = () => {
      network.server('alpha').tamper = async (asked, honest) => {
        const { name, parameters } = asked;
        if (name === 'key.chain') return showing(dead, parameters);
        if (name === 'fork.settle') return { ...((await honest()) as object), proof };
        if (name !== 'fork.show') return elsewhere(asked, honest);
        const { epoch } = parameters as { readonly epoch?: number };
        return { epoch: null, certificates: [], ...(epoch === 0 ? { settled: proof } : {}) };
      };
    };
    return { ...made, settled, lie };
  }

  test('bring no machine over while others show what was settled first', async () => {
    const { network, one, settled, lie } = await settledTwice();
    const machine = await forgetful(one);
    lie();
    network.cut('charlie');
    await expect(signersOf(machine.client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
    const { record } = await machine.client.showKey(NAME);
    expect(nameOfEpoch(record, 1)).toEqual(settled.transcriptHash);
    expect(await machine.store.list('settlements')).toEqual([]);
    // Nor does it settle on the one that it went on by unless its owner says so.
    await expect(machine.client.settleKey({ name: NAME })).rejects.toMatchObject({
      code: 'FORK_CHOICE_UNKNOWN',
    });
    const { counts } = await machine.client.planSettlement({ name: NAME });
    expect(counts.isOnRecord).toBe(true);
    expect(await machine.client.settleKey({ name: NAME, counts: counts.id })).toMatchObject({
      isAsOrdered: true,
      transcriptHash: settled.transcriptHash,
    });
  });

  test('leave a machine that has one of both on record to its owner, who says which counts, once and for all', async () => {
    const { network, other, settled, lie } = await settledTwice();
    const { client } = other;
    for (const server of network.servers) server.asked.length = 0;
    await expect(signersOf(client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
    // Nobody is told of what stands on record here, and nothing goes on by it.
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'FORK_CHOICE_UNKNOWN' });
    for (const { asked } of network.servers) expect(asked).not.toContain('fork.end');
    const plan = await client.planSettlement({ name: NAME });
    expect(plan).toMatchObject({ isChosen: false, isContested: true });
    const counts = plan.fork.choices.find(({ isOnRecord }) => !isOnRecord)!.id;
    lie();
    const chosen = await client.settleKey({ name: NAME, counts });
    expect(chosen).toMatchObject({ epoch: 1, isAsOrdered: true, transcriptHash: settled.transcriptHash });
    expect(await signersOf(client)).toHaveLength(2);
    expect(nameOfEpoch((await client.showKey(NAME)).record, 1)).toEqual(settled.transcriptHash);
    // Alpha shows the others for ever.
    expect(await client.planSettlement({ name: NAME })).toMatchObject({ isContested: true, isChosen: true });
    expect(await client.settleKey({ name: NAME })).toMatchObject({ transcriptHash: settled.transcriptHash });
    expect(await client.freezeKey(NAME, 3_600)).toMatchObject({ fork: null });
  });

  test('bring no machine over that is in a later epoch, though nobody else remembers', async () => {
    const { network, one, settled, lie } = await settledTwice();
    const before = await forgetful(one);
    await repaired(one.client, 'bravo');
    network.now += DAY;
    expect(await changeAsked(network, { ...one, wish: { kind: 'refresh' } })).toMatchObject({ epoch: 2 });
    const machine = await forgetful(one);
    lie();
    for (const name of ['bravo', 'charlie', 'delta', 'echo'])
      network.server(name).tamper = (asked, honest) =>
        asked.name === 'fork.show' ? Promise.resolve({ epoch: null, certificates: [] }) : honest();
    network.cut('charlie');
    network.cut('delta');
    // One of them was away meanwhile, and sees only that others go on from where it is.
    for (const { client, store } of [machine, before]) {
      await expect(signersOf(client)).rejects.toBeInstanceOf(CkmError);
      expect(nameOfEpoch((await client.showKey(NAME)).record, 1)).toEqual(settled.transcriptHash);
      expect(await store.list('settlements')).toEqual([]);
    }
    await expect(signersOf(machine.client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
    network.makeHonest();
    expect(await signersOf(machine.client)).toHaveLength(2);
    expect(await epochOf(machine.client)).toBe(2);
  });
});

test('a machine in the epoch that was forked goes over only once a quorum of its servers show that they took in what was settled: those who settle may have left by that very change', async () => {
  const { network, one, other } = await forked();
  const settled = await other.client.settleKey({ name: NAME });
  const { client, store } = await key.another(one);
  // By its certificate two of alpha, bravo, charlie and delta sign; bravo alone shows it.
  for (const name of ['alpha', 'charlie', 'delta']) network.cut(name, 'fork.show');
  await expect(signersOf(client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
  expect(nameOfEpoch((await client.showKey(NAME)).record, 1)).not.toEqual(settled.transcriptHash);
  expect(await store.list('settlements')).toEqual([]);
  network.makeHonest();
  for (const name of ['charlie', 'delta']) network.cut(name, 'fork.show');
  expect(await signersOf(client)).toEqual(['bravo', 'echo']);
  expect(nameOfEpoch((await client.showKey(NAME)).record, 1)).toEqual(settled.transcriptHash);
});

test('a machine that has changed the key behind the dead certificate goes over too, once a quorum of its servers took in what was settled: those have gone on, and ask their operators first', async () => {
  const { network, one, other } = await forked();
  const { client } = one;
  network.cut('bravo');
  network.cut('echo');
  const wish = requorum(2, ['alpha', 'charlie', 'delta']);
  expect(await changeAsked(network, { client, wish })).toMatchObject({ epoch: 2, isAsOrdered: true });
  network.makeHonest();
  const settled = await other.client.settleKey({ name: NAME });
  const goingOn = ['alpha', 'charlie', 'delta'];
  expect(settled.awaited.map(({ server }) => server)).toEqual(goingOn);
  const early = await key.another(one);
  expect(await signersOf(early.client)).toEqual(['charlie', 'delta']);
  expect(await epochOf(early.client)).toBe(2);

  await approveChanges(network);
  expect(await other.client.settleKey({ name: NAME })).toMatchObject({ awaited: [] });
  for (const name of goingOn) network.cut(name, 'fork.show');
  await expect(signersOf(early.client)).rejects.toMatchObject({ code: 'KEY_FORKED' });
  expect(await epochOf(early.client)).toBe(2);
  network.makeHonest();
  expect(await signersOf(client)).toEqual(['bravo', 'echo']);
  expect(nameOfEpoch((await client.showKey(NAME)).record, 1)).toEqual(settled.transcriptHash);
});

describe('a change that was planned', () => {
  test('behind the dead certificate is not ordered where it would leave other servers', async () => {
    const { network, one, other } = await forked();
    const args = { name: NAME, wish: { kind: 'remove-server', server: 'charlie' } } as const;
    const plan = await one.client.planChange(args);
    expect(plan.next.map(({ name }) => name)).toEqual(['alpha', 'bravo', 'delta']);
    const settled = await other.client.settleKey({ name: NAME });
    for (const server of network.servers) server.asked.length = 0;
    await expect(one.client.changeKey({ ...args, plan })).rejects.toMatchObject({
      code: 'CHANGE_PLAN_DIFFERS',
      facts: { servers: ['bravo', 'echo'] },
    });
    for (const { asked } of network.servers) expect(asked).not.toContain('change.propose');
    expect((await one.client.listChanges()).filter(({ state }) => state === 'open')).toEqual([]);
    expect(nameOfEpoch((await one.client.showKey(NAME)).record, 1)).toEqual(settled.transcriptHash);
  });

  test('is ordered where the same servers have only new shares by then, and not where another one has joined', async () => {
    key = await createOwnedKey({ count: 5 });
    const { network, client } = key;
    const args = { name: NAME, wish: { kind: 'add-server', server: 'delta' } } as const;
    const elsewhere = await key.another();
    const plan = await elsewhere.client.planChange(args);
    network.now += DAY;
    await client.changeKey(REFRESH);
    // Servers were bound to the refresh, which is learned first.
    expect(await elsewhere.client.changeKey({ ...args, plan })).toMatchObject({ isAsOrdered: false });
    expect(await elsewhere.client.changeKey({ ...args, plan })).toMatchObject({
      epoch: 2,
      isAsOrdered: true,
    });
    const late = { name: NAME, wish: { kind: 'remove-server', server: 'bravo' } } as const;
    const shown = await key.another(elsewhere);
    const planned = await shown.client.planChange(late);
    network.now += DAY;
    await elsewhere.client.changeKey({ name: NAME, wish: { kind: 'add-server', server: 'echo' } });
    expect(await shown.client.changeKey({ ...late, plan: planned })).toMatchObject({ isAsOrdered: false });
    await expect(shown.client.changeKey({ ...late, plan: planned })).rejects.toMatchObject({
      code: 'CHANGE_PLAN_DIFFERS',
    });
  });
});
