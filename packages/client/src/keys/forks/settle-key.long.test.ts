// @module-tag long
import { CkmError, type StateError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { changeAsked, createForkedKey, type ForkedKey, splitKey } from '../../test/forked-key.js';
import { approveChanges, approveSessions } from '../../test/operators.js';
import { asOwner, type Machine, NAME, requorum, signersOf } from '../../test/owned-key.js';
import { unreachable } from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';

const DAY = 86_400;

let key: ForkedKey;
afterEach(() => key.close());

async function repaired({ client }: Machine, server: string): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    try {
      expect(await client.repairKey({ name: NAME, server })).toMatchObject({ server });
      return;
    } catch (error) {
      if (!(error instanceof CkmError) || turn === 4) throw error;
      await approveSessions(key.network);
    }
  }
}

/** A machine that has no record of what was settled. */
async function forgetful(of: Machine): Promise<Machine> {
  const machine = await key.another(of);
  for (const path of await machine.store.list('settlements')) await machine.store.delete(path);
  return machine;
}

describe('an owner whose key is forked', () => {
  test('sees both certificates, has one settled on, repairs who can take no share of it, and goes on; the dead one comes back nowhere', async () => {
    key = await createForkedKey();
    const { network, one, other } = key;
    const { client } = one;
    const fork = (await client.showFork(NAME))!;
    expect(fork).toMatchObject({ epoch: 0, needed: 2, silent: [], orders: [] });
    expect(fork.twice.map(({ name }) => name)).toEqual(['charlie']);
    expect(fork.settlers.map(({ name }) => name)).toEqual(['alpha', 'bravo']);
    expect(fork.choices).toMatchObject([
      { isOnRecord: true, servers: ['alpha', 'charlie', 'delta'], quorum: { needed: 2, of: 4 } },
      { isOnRecord: false, servers: ['bravo', 'echo'], quorum: { needed: 2, of: 3 } },
    ]);
    const [counts, dead] = fork.choices;
    // Charlie, who signed twice, counts as no share: with the other certificate bravo and echo have theirs.
    const plan = await client.planSettlement({ name: NAME });
    expect(plan).toMatchObject({ goesOn: false, counts: { id: counts!.id } });
    await expect(client.planSettlement({ name: NAME, counts: 'ffff' })).rejects.toMatchObject({
      code: 'FORK_CHOICE_UNKNOWN',
    });

    const steps = hearSteps('settling');
    const settled = await client.settleKey({ name: NAME }, steps.on);
    steps.expectAll();
    expect(settled).toMatchObject({
      epoch: 1,
      isAsOrdered: true,
      lost: ['bravo'],
      // It came to the key by the one that dies, and asks its operator.
      awaited: [{ server: 'echo' }],
      isOver: true,
      told: ['alpha', 'bravo', 'charlie', 'delta'],
    });
    expect(await client.showFork(NAME)).toMatchObject({ orders: [{ asking: ['echo'] }] });
    await approveChanges(network);
    expect(await client.settleKey({ name: NAME })).toMatchObject({
      awaited: [],
      told: ['alpha', 'bravo', 'charlie', 'delta', 'echo'],
    });
    expect(await client.showFork(NAME)).toBe(null);
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'KEY_NOT_FORKED' });
    expect(await signersOf(one.client)).toHaveLength(2);

    await repaired(one, 'bravo');
    expect((await client.verifyKey(NAME)).isSound).toBe(true);

    // Charlie goes, echo joins after all: by what counts.
    network.now += DAY;
    const servers = ['alpha', 'bravo', 'delta', 'echo'];
    const wish = requorum(2, servers);
    expect(await client.changeKey({ name: NAME, wish })).toMatchObject({ epoch: 2, behind: [] });
    for (const server of servers) {
      const caller = await asOwner(network.server(server));
      await expect(
        caller.call('change.commit', { keyId: fork.keyId, certificate: dead!.certificate }),
      ).rejects.toMatchObject({ code: 'CHANGE_SETTLED' });
    }
    expect((await client.verifyKey(NAME)).isSound).toBe(true);
    expect(await signersOf(one.client, { text: 'again' })).toHaveLength(2);
    expect((await other.client.listKeys())[0]!.name).toBe(NAME);
  });

  test('gets it back from the seed alone by the certificate that most servers show, is told that it is forked, and settles it from there', async () => {
    key = await createForkedKey();
    const client = await key.network.owner();
    const { keys, faulty } = await client.fetchKeys();
    expect(faulty).toEqual([]);
    const [one] = keys;
    expect(one).toMatchObject({ isForked: true, isVouched: true, quorum: { needed: 2, of: 4 } });
    expect(one!.servers.map(({ server, verdict }) => [server, verdict])).toEqual([
      ['alpha', 'holds'],
      ['bravo', 'differs'],
      ['charlie', 'holds'],
      ['delta', 'holds'],
    ]);
    expect(one!.servers[1]!.text).toBe('went on by another certificate: the key is forked');
    await client.keepKey(one!, { name: NAME });
    expect(await client.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, lost: ['bravo'] });
    expect(await signersOf(client)).toHaveLength(2);
  });

  test('chooses the other one, from the machine that knows it; the machine that went on by the dead one learns it', async () => {
    key = await createForkedKey();
    const { network, one, other } = key;
    const settled = await other.client.settleKey({ name: NAME });
    expect(settled).toMatchObject({ isAsOrdered: true, awaited: [{ server: 'delta' }] });
    expect(await signersOf(other.client)).toEqual(['bravo', 'echo']);
    await approveChanges(network);
    expect(await other.client.settleKey({ name: NAME })).toMatchObject({ awaited: [] });
    const [dead] = (await one.client.listKeys()).map(({ changes }) => changes);
    expect(dead).toHaveLength(1);
    const learned = await one.client.settleKey({ name: NAME }).catch((error: unknown) => error);
    expect(learned).toMatchObject({ epoch: 1, isAsOrdered: false, lost: ['charlie'], awaited: [] });
    expect(await signersOf(one.client)).toEqual(['bravo', 'echo']);
  });

  test('goes on from where it stopped: with whoever is away at the votes, and with whoever is away at the end', async () => {
    key = await createForkedKey();
    const { network, one } = key;
    const { client } = one;
    network.cut('bravo');
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      facts: { servers: expect.arrayContaining(['bravo']) as unknown },
    });
    network.makeHonest();
    network.cut('bravo', 'change.yield');
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    network.makeHonest();
    network.cut('echo', 'fork.end');
    const first = await client.settleKey({ name: NAME });
    expect(first).toMatchObject({ awaited: [{ server: 'echo' }], lost: ['bravo'] });
    network.makeHonest();
    expect(await client.settleKey({ name: NAME })).toMatchObject({ awaited: [{ server: 'echo' }] });
    await approveChanges(network);
    expect(await client.settleKey({ name: NAME })).toMatchObject({ awaited: [], isAsOrdered: true });
  });

  test('settles the next fork too, whatever a liar shows of the one that was settled, and orders what was shown to him', async () => {
    key = await createForkedKey();
    const { network, one, other } = key;
    const first = (await other.client.showFork(NAME))!;
    const dead = first.choices.find(({ isOnRecord }) => !isOnRecord)!;
    expect(await other.client.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, isOver: true });
    await approveChanges(network);
    expect(await other.client.settleKey({ name: NAME })).toMatchObject({ awaited: [] });
    await one.client.settleKey({ name: NAME });
    await repaired(other, 'charlie');
    network.now += DAY;
    // A repaired server has forgotten what it said in its epoch; in the next one it can sign twice.
    const refreshed = await changeAsked(network, { ...other, wish: { kind: 'refresh' } });
    expect(refreshed).toMatchObject({ epoch: 2, behind: [] });
    network.now += DAY;
    const neither = await forgetful(other);
    const [left, right] = [await key.another(other), await key.another(other)];
    await splitKey(
      network,
      { ...left, with: 'bravo', wish: requorum(2, ['bravo', 'charlie', 'echo', 'delta']) },
      { ...right, with: 'echo', wish: requorum(2, ['alpha', 'charlie', 'echo']) },
    );
    const fresh = await forgetful(left);
    network.server('charlie').tamper = ({ name }, honest) => {
      if (name === 'fork.show') return Promise.resolve({ epoch: 0, certificates: [dead.certificate] });
      return name === 'fork.end' ? Promise.reject(unreachable('charlie')) : honest();
    };
    for (const { client } of [left, fresh])
      expect(await client.planSettlement({ name: NAME })).toMatchObject({
        fork: { epoch: 2 },
        counts: { isOnRecord: true },
      });
    // A machine that went on by neither has to be told which.
    const open = await neither.client.planSettlement({ name: NAME });
    expect(open).toMatchObject({ fork: { epoch: 2 }, isChosen: false, others: [{ epoch: 0 }] });
    await expect(neither.client.settleKey({ name: NAME })).rejects.toMatchObject({
      code: 'FORK_CHOICE_UNKNOWN',
    });
    const { counts } = await fresh.client.planSettlement({ name: NAME });
    const plan = await neither.client.planSettlement({ name: NAME, counts: counts.id });
    expect(plan).toMatchObject({ isChosen: true, counts: { id: counts.id } });

    // What is shown to him before he types, and what servers show behind it, may be two things.
    const shown = plan.fork.choices.find(({ id }) => id !== counts.id)!;
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'key.chain'
        ? honest().then((answer) => ({ ...(answer as object), certificates: [shown.certificate] }))
        : honest();
    const settled = await neither.client.settleKey({ name: NAME, plan });
    expect(settled).toMatchObject({ epoch: 3, isAsOrdered: true, isOver: true, alsoForked: [1] });
    expect(settled.transcriptHash).toEqual(counts.transcriptHash);
    // Alpha came back to the key by the one that dies.
    expect(settled.awaited).toMatchObject([{ server: 'charlie' }, { server: 'alpha' }]);
    network.makeHonest();
    expect(await fresh.client.settleKey({ name: NAME })).toMatchObject({ epoch: 3, isAsOrdered: true });
    expect(await signersOf(neither.client)).toHaveLength(2);
  });

  test('waits for operators, whom he tells six words; every client of his sees the order and takes it back', async () => {
    key = await createForkedKey({ changes: 'operator', changeDelay: 0 });
    const { network } = key;
    const [client, other] = [key.one.client, key.other.client];
    const refused = await client.settleKey({ name: NAME }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CHANGE_WAITING', facts: { servers: ['alpha', 'bravo'] } });
    const seen = (await other.showFork(NAME))!.orders;
    expect(seen).toMatchObject([{ asking: expect.arrayContaining(['alpha', 'bravo']) as unknown }]);
    expect((refused as StateError).hint).toContain(formatWords(likenessOf(seen[0]!.orderHash)));
    const { keys } = await other.status();
    expect(keys[0]!.settlements).toMatchObject([{ id: seen[0]!.id }]);
    expect(await other.cancelSettlement(NAME)).toMatchObject({ silent: [] });
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_OVER' });
    network.now += 7 * DAY;
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await approveChanges(network);
    expect(await client.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, lost: ['bravo'] });
  });
});
