// @module-tag long
import { carryChange, type Callee, type CarriedChange } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChangeRow, Reader, Storage } from '../../storage/storage.js';
import type { BareCaller, BareOptions } from '../test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { signIn } from '../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** Servers that are ended and begun again behind the same names. */
async function openRestarting(count: number) {
  const { servers, callers } = await network.openMany(count);
  const callees = callers.map(({ name }, i): BareCaller => ({
    name,
    call: (called, parameters) => callers[i]!.call(called, parameters),
  }));
  async function restart(i: number, changes: Partial<BareOptions> = {}): Promise<void> {
    servers[i] = await network.restart(servers[i]!, changes);
    callers[i] = await servers[i]!.as(alice);
  }
  return { servers, callees, restart };
}

type Network = Awaited<ReturnType<typeof openRestarting>>;

/** Steps of a change at single servers; each is made again after its server was killed behind it, as by whoever lost the answer. */
async function changeWithKills({ servers, restart }: Network, change: CarriedChange): Promise<Uint8Array> {
  const killAll = async () => {
    for (const i of servers.keys()) await restart(i);
  };
  const twice = async <T>(step: () => Promise<T>): Promise<T> => {
    const first = await step();
    await killAll();
    expect(await step()).toEqual(first);
    await killAll();
    return first;
  };
  await twice(() => change.propose());
  const promises = await twice(() => change.promise(1));
  const whole = await change.move(1, promises);
  await killAll();
  const locks = await twice(() => change.lock(1, whole, promises));
  const certificate = change.locksOf(1, whole, locks);
  const yields = await twice(() => change.yield(whole, certificate));
  return change.certify(1, whole, { promises, locks, yields });
}

describe('a change at servers that are killed', () => {
  test(
    'kill −9 of every server behind every step: made again the step says the same, and the key signs in one epoch per server',
    { tags: ['slow'] },
    async () => {
      const running = await openRestarting(3);
      const { callees, restart, servers } = running;
      const made = await makeKey(callees);
      const { keyId } = made;
      const change = await carryChange({ servers: callees, keyId, expiresAt: SOON });
      const certificate = await changeWithKills(running, change);
      await signIn(callees, made, made.key, { epoch: 0, signers: [1, 2] });
      const committed = await change.commit(certificate);
      for (const i of servers.keys()) await restart(i);
      expect(await change.commit(certificate)).toEqual(committed);
      const receipts = await change.retire(committed);
      for (const i of servers.keys()) await restart(i);
      expect(await change.retire(committed)).toEqual(receipts);
      const after = await carryChange({ servers: callees, keyId, expiresAt: SOON });
      await signIn(callees, made, after.before.public, { epoch: 1, signers: [2, 3] });
    },
  );

  test('a server killed while the shares move: the try comes to nothing, the old epoch signs, and another session of the same promises finishes', async () => {
    const { callees, restart } = await openRestarting(3);
    const made = await makeKey(callees);
    const { keyId } = made;
    let calls = 0;
    const dying: Callee = {
      name: 'bravo',
      call: async (called, parameters) => {
        if (called === 'session.deliver' && calls++ === 0) {
          await restart(1);
          throw new Error('no answer');
        }
        return callees[1]!.call(called, parameters);
      },
    };
    const change = await carryChange({ servers: [callees[0]!, dying, callees[2]!], keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    await expect(change.move(1, promises)).rejects.toThrow('no answer');
    await signIn(callees, made, made.key, { epoch: 0, signers: [1, 2] });
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises);
    const yields = await change.yield(whole, change.locksOf(1, whole, locks));
    await change.commit(change.certify(1, whole, { promises, locks, yields }));
    await signIn(callees, made, whole.epoch.public, { epoch: 1, signers: [1, 2] });
  });
});

describe('a row that was put back', () => {
  test('V33e: the one in which a server remembers what it said is refused, and nothing is said a second time', async () => {
    const { servers, callees, restart } = await openRestarting(3);
    const { keyId } = await makeKey(callees);
    const change = await carryChange({ servers: callees, keyId, expiresAt: SOON });
    await change.propose();
    const [before] = await servers[0]!.context.storage.read(({ sealed }) => sealed.page('changes', null, 1));
    await change.promise(1);
    await restart(0, { wrap: (storage) => answering(storage, before!) });
    await expect(change.promise(1, [1])).rejects.toThrow(code('ROW_TAMPERED'));
  });
});

/** A database in which somebody has put that row back. */
function answering(storage: Storage, row: ChangeRow): Storage {
  const changed = <R extends Reader>(reader: R): R => ({
    ...reader,
    changes: { ...reader.changes, find: async () => row },
  });
  return {
    ...storage,
    read: (work) => storage.read((reader) => work(changed(reader))),
    transact: (work) => storage.transact((transaction) => work(changed(transaction))),
  };
}
