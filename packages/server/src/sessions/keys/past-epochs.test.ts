import { encodeCertificate, encodeChangeCertificate } from '@ckm/threshold';
import { decided, generate } from '@ckm/threshold/test';
import { afterEach, expect, test } from 'vitest';
import type { Storage } from '../../storage/storage.js';
import { TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers } from '../test/bare-servers.js';
import { epochsOfChain, proveWay, readWay, storePublicEpoch, verifyWay } from './past-epochs.js';

const network = createBareServers();
afterEach(() => network.close());

const MEMBERS = ['alpha', 'bravo'];
/** Of this epoch a share is stored too. */
const HELD = 1;

/** Four epochs of a key, and their certificates. */
const { epoch: newest, chain } = (() => {
  let epoch = generate('ed25519', { needed: 2, of: 2 }, 'past epochs');
  const chain = [encodeCertificate(epoch.first)];
  for (const label of ['1', '2', '3']) {
    const next = decided(epoch, { dealers: MEMBERS, members: MEMBERS, needed: 2, label }, [1, 2]);
    chain.push(encodeChangeCertificate(next.certificate));
    ({ epoch } = next);
  }
  return { epoch, chain };
})();
const { params, transcriptHash } = newest.certified;
const { owner, keyId } = { owner: alice.xid, keyId: params.keyId };

const free = () => undefined;

/** A server that has all of them as they came in one message: nothing says that they were checked. */
async function beginStored() {
  const server = await network.open();
  const { context } = server;
  await server.as(alice);
  const sealed = new Uint8Array(60);
  await context.storage.transact(async (transaction) => {
    const [state, version, createdAt] = ['active', 1, TEST_TIME] as const;
    await transaction.keys.insert({ owner, keyId, state, epoch: chain.length, version, createdAt, sealed });
    for (const [epoch, shown] of epochsOfChain(chain).entries())
      await storePublicEpoch(context, transaction, { owner, keyId }, epoch, shown);
    await transaction.shares.put({ owner, keyId, epoch: HELD, version, sealed });
  });
  const way = (epoch: number) =>
    context.storage.read((reader) => readWay(context, reader, { owner, keyId }, epoch));
  return { context, way };
}

test('epochs that came in one message are checked once: what they prove is kept', async () => {
  const { context, way } = await beginStored();
  const whole = await way(3);
  expect(whole).toMatchObject({ base: null, certificates: chain });
  expect((await proveWay(context, { owner, keyId }, whole, free)).transcriptHash).toEqual(transcriptHash);
  for (const epoch of [0, 2, 3]) expect((await way(epoch)).certificates).toEqual([]);
  expect((await way(3)).base).toEqual(newest.certified);
  expect((await proveWay(context, { owner, keyId }, await way(3), free)).transcriptHash).toEqual(
    transcriptHash,
  );
  // Its version is that of the row of the share.
  expect((await way(HELD)).certificates).toHaveLength(1);
  const row = await context.storage.read(({ epochs }) => epochs.find(owner, keyId, HELD));
  expect(row!.version).toBe(1);
});

test('a long way is stored part by part, so that nobody waits for the whole of it', async () => {
  const { context, way } = await beginStored();
  const whole = await way(3);
  const left: number[] = [];
  const transact: Storage['transact'] = async (work) => {
    const done = await context.storage.transact(work);
    left.push((await way(3)).certificates.length);
    return done;
  };
  const storage = { ...context.storage, transact };
  const proved = await proveWay({ ...context, storage }, { owner, keyId }, whole, free, 2);
  expect(proved.transcriptHash).toEqual(transcriptHash);
  // The one in which a share is stored stays unproved, with what is behind it.
  expect(left).toEqual([3, 0]);
});

test('what was paid for of a long way is kept where the rest is too dear', async () => {
  const { context, way } = await beginStored();
  await proveWay(context, { owner, keyId }, await way(0), free);
  const asked: number[] = [];
  const charge = (certificates: readonly Uint8Array[]) => {
    asked.push(certificates.length);
    if (asked.length === 3) throw new Error('too dear');
  };
  await expect(proveWay(context, { owner, keyId }, await way(3), charge, 1)).rejects.toThrow('too dear');
  expect(asked).toEqual([1, 1, 1]);
  // The first of the three is that of which a share is stored.
  expect((await way(3)).certificates).toHaveLength(1);
});

test('a row that became another one meanwhile is left as it is', async () => {
  const { context, way } = await beginStored();
  const whole = await way(3);
  const other = decided(newest, { dealers: MEMBERS, members: MEMBERS, needed: 2, label: 'other' }, [1, 2]);
  const certificate = encodeChangeCertificate(other.certificate);
  await context.storage.transact(async (transaction) => {
    await transaction.epochs.remove(owner, keyId, 3);
    const shown = { ...epochsOfChain(chain)[3]!, certificate };
    await storePublicEpoch(context, transaction, { owner, keyId }, 3, shown);
  });
  await proveWay(context, { owner, keyId }, whole, free);
  expect(await way(3)).toMatchObject({ certificates: [certificate] });
});

test('others get their turn between one certificate and the next', async () => {
  let turns = 0;
  let isRunning = true;
  const turn = () => {
    turns++;
    if (isRunning) setImmediate(turn);
  };
  setImmediate(turn);
  await verifyWay({ base: null, certificates: chain });
  isRunning = false;
  expect(turns).toBeGreaterThanOrEqual(chain.length - 1);
});
