import { encodeCertificate } from '@ckm/threshold';
import { generate } from '@ckm/threshold/test';
import { afterEach, expect, test } from 'vitest';
import type { Call } from '../../../context.js';
import type { Reader, Storage } from '../../../storage/storage.js';
import { alice, createBareServers } from '../../test/bare-servers.js';
import type { Deciding } from '../deciding.js';
import { assertKnown } from './known-members.js';
import { readBase } from './read-past.js';
import { storeShown } from './shown-epochs.js';
import { createMembersMemory } from '../members-memory.js';

const network = createBareServers();
afterEach(() => network.close());

const EPOCHS = 600;
/** What one reading may look at: nobody waits longer for the database, or for his turn. */
const SLICE = 256;

const { first, certified } = generate('ed25519', { needed: 2, of: 2 }, 'many epochs');
const { params } = certified;
const name = { owner: alice.xid, keyId: params.keyId };

function nameOf(epoch: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(9);
  new DataView(bytes.buffer).setUint32(0, epoch);
  return bytes;
}
const newest = { epoch: EPOCHS - 1, transcriptHash: nameOf(EPOCHS - 1) };

/** What happens, in order: a number is a reading that looked at so many epochs. */
type Log = (number | string)[];

/** A server that was shown so many epochs of one key. What is stored of them was checked when it was. */
async function beginShown() {
  const log: Log = [];
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    read: (work) =>
      storage.read(async (reader) => {
        let looked = 0;
        const { shownEpochs } = reader;
        const find: Reader['shownEpochs']['find'] = (...which) => {
          looked++;
          return shownEpochs.find(...which);
        };
        try {
          return await work({ ...reader, shownEpochs: { ...shownEpochs, find } });
        } finally {
          if (looked > 0) log.push(looked);
        }
      }),
  });
  const server = await network.open({ wrap });
  const { context } = server;
  await server.as(alice);
  await context.storage.transact(async (transaction) => {
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const previous = epoch === 0 ? params.previous : nameOf(epoch - 1);
      const shown = { ...certified, params: { ...params, epoch, previous }, transcriptHash: nameOf(epoch) };
      await storeShown(context, transaction, name, { certificate: encodeCertificate(first), epoch: shown });
    }
  });
  return { context, log };
}

/** What of a change that follows the newest epoch counts here: this server is to join by it. */
const deciding = {
  ...name,
  epoch: newest.epoch,
  key: null,
  before: { transcriptHash: newest.transcriptHash },
  record: { joining: { chain: [] } },
} as unknown as Deciding;
const call = { account: { xid: alice.xid } } as unknown as Call;

test('many epochs are read slice by slice, and others get their turn in between', async () => {
  const { context, log } = await beginShown();
  let isRunning = true;
  const turn = () => {
    log.push('turn');
    if (isRunning) setImmediate(turn);
  };
  setImmediate(turn);
  const base = await readBase(context, context.storage, name, newest);
  isRunning = false;
  expect(base.first).toEqual(nameOf(0));
  expect(log.filter((one) => typeof one === 'number')).toEqual([1, SLICE, SLICE, EPOCHS - 2 * SLICE]);
  const slices = [log.indexOf(SLICE), log.lastIndexOf(SLICE), log.lastIndexOf(EPOCHS - 2 * SLICE)];
  expect(log.slice(slices[0], slices[1])).toContain('turn');
  expect(log.slice(slices[1], slices[2])).toContain('turn');
});

test('what was read of them is not read again, but of another epoch: the same roster is refused each time, and each time charged', async () => {
  const { context, log } = await beginShown();
  const charge = () => void log.push('charged');
  const means = { context, charge, pastMembers: createMembersMemory(EPOCHS) };
  const compare = (which: Deciding) =>
    expect(assertKnown(means, call, which, [{ next: { ...params, epoch: EPOCHS } }])).rejects.toMatchObject({
      code: 'CHANGE_INVALID',
      facts: { field: 'static keys' },
    });
  for (const _ of [1, 2]) await compare(deciding);
  expect(log).toEqual(['charged', SLICE, SLICE, EPOCHS - 2 * SLICE, 'charged']);
  log.length = 0;
  const earlier = { ...deciding, epoch: 9, before: { transcriptHash: nameOf(9) } } as unknown as Deciding;
  for (const which of [earlier, earlier, deciding]) await compare(which);
  // Both are more than are remembered: the older one went.
  expect(log).toEqual(['charged', 10, 'charged', 'charged', SLICE, SLICE, EPOCHS - 2 * SLICE]);
});

test('whoever has them compared with a roster is charged for all of them before one is read', async () => {
  const { context, log } = await beginShown();
  const charge = (_account: unknown, costMs: number) => void log.push(`${Math.round(costMs)} ms`);
  const pastMembers = createMembersMemory();
  await expect(
    assertKnown({ context, charge, pastMembers }, call, deciding, [{ next: { ...params, epoch: EPOCHS } }]),
  ).rejects.toMatchObject({ code: 'CHANGE_INVALID', facts: { field: 'static keys' } });
  expect(log).toEqual(['180 ms', SLICE, SLICE, EPOCHS - 2 * SLICE]);
  log.length = 0;
  const refuse = () => {
    throw new Error('used up');
  };
  await expect(assertKnown({ context, charge: refuse, pastMembers }, call, deciding, [])).rejects.toThrow(
    'used up',
  );
  expect(log).toEqual([]);
});
