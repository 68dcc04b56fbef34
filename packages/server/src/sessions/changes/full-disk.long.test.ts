// @module-tag long
import { carryChange } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { fromDriver } from '../../storage/codes.js';
import type { Storage } from '../../storage/storage.js';
import { alice, createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { signIn } from '../test/signs.js';
import { storedShares } from '../test/stored-shares.js';

const network = createBareServers();
afterEach(() => network.close());

/** What SQLite says of its disk; null: it takes all. */
interface Disk {
  fault: 'SQLITE_FULL' | 'SQLITE_READONLY' | null;
}

/** A real database whose commit fails behind everything that was written in it, as that of a disk without room. */
function storageOn(disk: Disk, storage: Storage): Storage {
  return {
    ...storage,
    transact: (work) =>
      storage.transact(async (transaction) => {
        const done = await work(transaction);
        if (disk.fault === null) return done;
        throw fromDriver(Object.assign(new Error('the disk refuses'), { code: disk.fault }));
      }),
  };
}

async function openOnDisks() {
  const disks: Disk[] = Array.from({ length: 3 }, () => ({ fault: null }));
  const servers = [];
  for (const [i, disk] of disks.entries())
    servers.push(
      await network.open({
        name: ['alpha', 'bravo', 'charlie'][i]!,
        wrap: (storage) => storageOn(disk, storage),
      }),
    );
  const callees = await Promise.all(servers.map((server) => server.as(alice)));
  return { disks, servers, callees };
}

const FAULTS = [
  ['is full', 'SQLITE_FULL', 'STORAGE_FULL'],
  ['takes nothing that is written', 'SQLITE_READONLY', 'STORAGE_READ_ONLY'],
] as const;

describe.each(FAULTS)('a disk that %s in the middle of a change', (_, fault, code) => {
  test('is told as that at each step of each server, the old epoch signs meanwhile, and the same step made again goes on', async () => {
    const { disks, servers, callees } = await openOnDisks();
    const made = await makeKey(callees);
    const { keyId } = made;
    const change = await carryChange({ servers: callees, keyId, expiresAt: SOON });
    const refused = expect.objectContaining({ code }) as Error;
    const epochsStored = async () =>
      Promise.all(servers.map(async (server) => (await storedShares(server)).map(({ epoch }) => epoch)));

    /** A step that fails at each server in turn, with what holds meanwhile; then it is made. */
    async function atEach<T>(
      step: () => Promise<T>,
      meanwhile: (failing: number) => Promise<void>,
    ): Promise<T> {
      for (const [i, disk] of disks.entries()) {
        disk.fault = fault;
        await expect(step()).rejects.toThrow(refused);
        disk.fault = null;
        await meanwhile(i);
      }
      return step();
    }
    const signsAsBefore = () => signIn(callees, made, made.key, { epoch: 0, signers: [1, 3] });

    await atEach(() => change.propose(), signsAsBefore);
    const promises = await atEach(() => change.promise(1), signsAsBefore);
    const whole = await atEach(() => change.move(1, promises), signsAsBefore);
    const locks = await atEach(() => change.lock(1, whole, promises), signsAsBefore);
    const locked = change.locksOf(1, whole, locks);
    const yields = await atEach(() => change.yield(whole, locked), signsAsBefore);
    const certificate = change.certify(1, whole, { promises, locks, yields });

    const isIn = async () =>
      Promise.all(callees.map(async (one) => (await one.call('key.show', { keyId })).key.epoch));
    for (const [i, disk] of disks.entries()) {
      const before = await isIn();
      disk.fault = fault;
      await expect(callees[i]!.call('change.commit', { keyId, certificate })).rejects.toThrow(refused);
      disk.fault = null;
      // In one epoch, and that is the old one: of the next one nothing is stored.
      expect(await isIn()).toEqual(before);
      expect((await epochsStored())[i]).toEqual([0]);
      await callees[i]!.call('change.commit', { keyId, certificate });
    }
    const acknowledgements = await change.acknowledge(certificate);
    for (const [i, disk] of disks.entries()) {
      const before = await isIn();
      const shown = { keyId, certificate, acknowledgements };
      disk.fault = fault;
      await expect(callees[i]!.call('change.commit', shown)).rejects.toThrow(refused);
      disk.fault = null;
      expect(await isIn()).toEqual(before);
      expect((await epochsStored())[i]).toEqual([0]);
      expect(await callees[i]!.call('change.commit', shown)).toMatchObject({ isEntered: true });
    }
    const committed = await change.commit(certificate);
    expect(await epochsStored()).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    // A share that was not destroyed is not said to be: the receipt is refused, and the share is there.
    await atEach(
      () => change.retire(committed),
      async (failing) => {
        expect((await epochsStored())[failing]).toEqual([0, 1]);
      },
    );
    expect(await epochsStored()).toEqual([[1], [1], [1]]);
    const after = await carryChange({ servers: callees, keyId, expiresAt: SOON });
    await signIn(callees, made, after.before.public, { epoch: 1, signers: [2, 3] });
  }, 120_000);
});
