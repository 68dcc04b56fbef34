// @module-tag long
import { type Packet, parsePacket, signPacket } from '@ckm/api';
import { concatBytes } from '@ckm/foundation';
import { repairProtocol } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers } from '../test/bare-servers.js';
import { recordOf } from '../test/lost-database.js';
import { LOST, makeKeyThenLoseShare, type LostShare } from '../test/lost-share.js';
import type { RepairCourier } from '../test/repair-courier.js';

const network = createBareServers();
afterEach(() => network.close());

/** Where charlie sits: the second helper. */
const LIAR = 2;
const CHARLIE = 3;
const ELEMENT_BYTES = 32;

type Split = Extract<ReturnType<typeof repairProtocol.message.decode>, { readonly round: 1 }>;

/** Charlie says something else in the round in which helpers split, to everybody alike, with its own signature. */
function lying({ servers }: LostShare, lie: (message: Split) => Split) {
  const { identity } = servers[CHARLIE - 1]!.context;
  return (bytes: Uint8Array): readonly Uint8Array[] => {
    const packet = parsePacket(bytes);
    if (packet.from !== LIAR || packet.round !== 1) return [bytes];
    const payload = repairProtocol.message.encode(
      lie(repairProtocol.message.decode(packet.payload) as Split),
    );
    return [signPacket(identity, { ...fieldsOf(packet), payload })];
  };
}

function fieldsOf({ protocol, keyId, epoch, sessionId, round, from, to, previous, payload }: Packet) {
  return { protocol, keyId, epoch, sessionId, round, from, to, previous, payload };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at]! ^= 1;
  return changed;
}

function faultsOf({ views }: RepairCourier) {
  return [1, LOST].map((slot) => views.get(slot)?.fault);
}

describe('a lying helper', () => {
  test('that splits something else than its share is named by everybody, and no share comes of it', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    // Both parts alike: each is a point, and together they are not its part of the share.
    const onTheWay = lying(lost, (message) => {
      const part = message.commitments.slice(0, ELEMENT_BYTES);
      return { ...message, commitments: concatBytes(part, part) };
    });
    const repair = lost.repair({ onTheWay });
    await repair.begin();
    await repair.finish();
    const fault = { code: 'FAULT_SPLIT_WRONG', round: 1, culprits: [LIAR] };
    expect(faultsOf(repair)).toEqual([fault, fault]);
    await expect(recordOf(lost.servers[1]!, lost.made.keyId)).rejects.toMatchObject({
      code: 'EPOCH_KEY_MISSING',
    });
  });

  test('that seals rubbish to another helper is suspected by it alone', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    const onTheWay = lying(lost, (message) => ({ ...message, sealed: flipped(message.sealed, 0) }));
    const repair = lost.repair({ onTheWay });
    await repair.begin();
    await repair.finish();
    expect(faultsOf(repair)).toEqual([{ code: 'SUSPECT_SHARE', round: 1, culprits: [LIAR] }, null]);
  });

  test('that is replaced makes no difference: another run with its honest self gives the share', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    const onTheWay = lying(lost, (message) => ({ ...message, sealed: flipped(message.sealed, 0) }));
    const failed = lost.repair({ onTheWay });
    await failed.begin();
    await failed.finish();
    const again = lost.repair();
    await again.begin();
    await again.finish();
    expect((await recordOf(lost.servers[1]!, lost.made.keyId)).certified).toEqual(lost.before.certified);
  });
});

describe('kill -9', () => {
  test('of every server after every answer, and every call made twice: the same share comes back', async () => {
    const lost = await makeKeyThenLoseShare(network, 'keys');
    const { servers, callers } = lost;
    const repair = lost.repair();
    const survive = async (slot: number, call: () => Promise<unknown>) => {
      await call();
      servers[slot - 1] = await network.restart(servers[slot - 1]!);
      callers[slot - 1] = await servers[slot - 1]!.as(alice);
      await call();
    };
    await survive(LOST, () => repair.proposeToTarget());
    await repair.approve(LOST);
    await survive(LOST, () => repair.proposeToTarget());
    for (const slot of [1, CHARLIE]) {
      await survive(slot, () => repair.proposeToHelper(slot));
      await repair.approve(slot);
      await survive(slot, () => repair.proposeToHelper(slot));
    }
    for (const slot of [1, CHARLIE, LOST]) await survive(slot, () => repair.join(slot));
    for (let turn = 0; turn < 4; turn++) {
      for (const slot of [1, CHARLIE, LOST]) await survive(slot, () => repair.deliver(slot));
    }
    expect([...repair.views.values()].map(({ state }) => state)).toEqual([
      'finished',
      'finished',
      'finished',
    ]);
    expect((await recordOf(servers[1]!, lost.made.keyId)).certified).toEqual(lost.before.certified);
  });
});
