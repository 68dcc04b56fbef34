// @module-tag long
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  drillKeyId,
  drillsOf,
  FUNCTION_NAMES,
  type FunctionName,
  isDrillKeyId,
  type Parameters,
} from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import { buildDrillRequest, DRILL, requestKind, frostTasks } from '@ckm/requests';
import type { CeremonyOptions } from '@ckm/testkit';
import { verifySignature } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { SQLITE_FILE } from '../../server/database/open-storage.js';
import { tamperWith } from '../../test/rooms.js';
import { type BareServer, TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, messageOf, SOON } from '../test/bare-servers.js';
import { recordOf } from '../test/lost-database.js';
import { createRepairCourier, type RepairCourier } from '../test/repair-courier.js';
import { DRILL_KEY_SECONDS, MOST_DRILL_KEYS } from './drill-keys.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as CkmError;
const freshId = () => drillKeyId(new Uint8Array(randomBytes(16)));
const LOST = 2;

async function makeDrillKey(
  options: Partial<CeremonyOptions> = {},
  settings: object = {},
  now?: () => number,
) {
  const { servers, callers } = await network.openMany(3, { settings, ...(now === undefined ? {} : { now }) });
  const made = await makeKey(callers, { purpose: DRILL, keyId: freshId(), ...options });
  const { policy } = await callers[0]!.call('key.show', { keyId: made.keyId });
  const repair = createRepairCourier({ servers, callers, made, policy, target: LOST, helpers: [1, 3] });
  return { servers, callers, made, policy, repair };
}

/** All of it, while nobody is there to be asked. */
async function repairAlone(repair: RepairCourier): Promise<readonly string[]> {
  await repair.proposeToTarget();
  for (const slot of [1, 3]) await repair.proposeToHelper(slot);
  for (const slot of [1, 3, LOST]) await repair.join(slot);
  return [...(await repair.finish()).values()].map(({ state }) => state);
}

const ask = { kind: DRILL, payload: buildDrillRequest() };
const keysAt = async ({ context: { storage } }: BareServer) =>
  storage.read(({ keys }) => keys.list(alice.xid, { after: null, limit: 64 }));
const deedsAt = async ({ context: { storage, audit } }: BareServer) =>
  (await storage.read((reader) => audit.list(reader, 1, 200))).map(
    ({ deed, sentence }) => `${deed}: ${sentence}`,
  );

describe('a key of a drill', () => {
  test.each(['ed25519', 'secp256k1-tr'] as const)(
    'of suite %s is made, forgotten by one server, given back by the others without a person, and signs the text with it',
    async (suite) => {
      const { servers, callers, made, repair } = await makeDrillKey({ suite });
      const { keyId } = made;
      const before = await recordOf(servers[1]!, keyId);
      await callers[1]!.call('drill.forget', { keyId });
      await expect(callers[1]!.call('key.show', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
      expect(servers[1]!.context.epochKeys.exists({ owner: alice.xid, keyId, epoch: 0 })).toBe(false);
      expect(await repairAlone(repair)).toEqual(['finished', 'finished', 'finished']);
      expect((await recordOf(servers[1]!, keyId)).certified).toEqual(before.certified);
      const signature = await made.signer.sign(ask, [LOST, 3]);
      const [task] = frostTasks(
        requestKind(DRILL).parse(ask.payload).tasks({ suite, purpose: DRILL, public: made.key }),
      );
      expect(verifySignature(suite, made.key.groupKey, task!.message, signature)).toBe(true);
      for (const caller of callers) await caller.call('drill.forget', { keyId });
      for (const server of servers) expect(await keysAt(server)).toEqual([]);
      await expect(callers[0]!.call('drill.forget', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
    },
  );

  test('comes back again and again, also where it had signed, and nothing takes it for a database that was put back', async () => {
    const { callers, made, repair, ...rest } = await makeDrillKey();
    await made.signer.sign(ask, [LOST, 3]);
    for (const again of [
      repair,
      createRepairCourier({ ...rest, callers, made, target: LOST, helpers: [1, 3] }),
    ]) {
      await callers[1]!.call('drill.forget', { keyId: made.keyId });
      expect(await repairAlone(again)).toEqual(['finished', 'finished', 'finished']);
      expect(await made.signer.sign(ask, [LOST, 3])).toHaveLength(64);
    }
  });

  test('is in the log of every server, which its operator reads as what it is', async () => {
    const { servers, callers, made, repair } = await makeDrillKey();
    await callers[1]!.call('drill.forget', { keyId: made.keyId });
    await repairAlone(repair);
    expect(await deedsAt(servers[1]!)).toEqual(
      expect.arrayContaining([
        'session.accepted: Make a key (ed25519) for a drill, used by 2 of 3 servers.',
        'drill.forget: Forget a key (ed25519) of a drill, share and all.',
        'session.accepted: Say that this server has lost its share of this key of a drill (epoch 0), and take it back from others.',
      ]),
    );
    expect(await deedsAt(servers[0]!)).toContain(
      'session.accepted: Help slot 2 of this key of a drill to the share that it has lost (epoch 0).',
    );
  });

  test('signs its text where the operator asks for every signature, or allows other kinds only', async () => {
    const { callers, made, repair } = await makeDrillKey(
      {},
      { policy: { approval: 'operator', kinds: ['bitcoin'] } },
    );
    await callers[1]!.call('drill.forget', { keyId: made.keyId });
    await repairAlone(repair);
    expect(await made.signer.sign(ask, [1, LOST])).toHaveLength(64);
  });

  test('with recovery static takes its share from the certificate at a server that allows it', async () => {
    const wish = { policy: { recovery: 'static' } } as const;
    const { callers, made, policy, repair } = await makeDrillKey(wish, { backup: 'static' });
    await callers[1]!.call('drill.forget', { keyId: made.keyId });
    await expect(repair.proposeToTarget()).rejects.toThrow(code('SHARE_RESTORABLE'));
    await callers[1]!.call('key.restore', { certificate: made.certificate, policy });
    expect(await made.signer.sign(ask, [1, LOST])).toHaveLength(64);
  });
});

/** Parameters that name a key, for every function that names one. */
function naming(keyId: Uint8Array, sample: { readonly certificate: Uint8Array }) {
  const bytes = new Uint8Array(32);
  const order = { keyId, epoch: 0 };
  const vote = { keyId, epoch: 0, attempt: 1, locked: [], shown: [], recall: null, orderHash: bytes };
  const signed = new Uint8Array(1);
  return {
    'key.chain': { keyId, after: null },
    'key.learn': { keyId, certificates: [sample.certificate] },
    'key.head': { keyId, nonce: bytes },
    'key.heads': { keyId, heads: [] },
    'key.exported': {
      keyId,
      proof: {
        epoch: 0,
        exportId: bytes,
        recipient: bytes,
        yeses: [{ slot: 1, signature: new Uint8Array(64) }],
      },
    },
    'key.check': { keyId, epoch: 0, challenge: bytes, at: TEST_TIME },
    'key.freeze': { keyId, id: bytes, from: TEST_TIME, until: TEST_TIME + 60 },
    'key.thaw': { keyId },
    'change.propose': { order, chain: [], policy: {} },
    'change.cancel': { keyId, epoch: 0, orderHash: bytes },
    'change.promise': vote,
    'change.lock': { ...vote, signed, promises: [] },
    'change.yield': { ...vote, signed, locks: [] },
    'change.commit': { keyId, certificate: sample.certificate },
    'change.retire': { keyId, epoch: 0, acknowledgements: [] },
  } satisfies Partial<Record<FunctionName, object>>;
}

describe('a drill is no way to a key that holds something', () => {
  test('L2: a live key: nothing that is easier for a drill is done with it, whoever asks', async () => {
    const { servers, callers } = await network.openMany(3);
    const live = await makeKey(callers);
    const { keyId } = live;
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const shares = await Promise.all(servers.map(async (one) => (await recordOf(one, keyId)).certified));
    for (const caller of callers)
      await expect(caller.call('drill.forget', { keyId })).rejects.toThrow(code('NO_KEY_OF_A_DRILL'));
    await expect(live.signer.request(1, ask, {})).rejects.toThrow(code('REQUEST_KIND_NOT_FOR_KEY'));
    // A key of a drill beside it gives none of its ease away: its statement of a loss is nothing at the live key.
    const drill = await makeKey(callers, { purpose: DRILL, keyId: freshId() });
    await callers[1]!.call('drill.forget', { keyId: drill.keyId });
    const repair = createRepairCourier({
      servers,
      callers,
      made: drill,
      policy: (await callers[0]!.call('key.show', { keyId: drill.keyId })).policy,
      target: LOST,
      helpers: [1, 3],
    });
    await repair.proposeToTarget();
    const helper = { ...repair.proposalToHelper(), keyId };
    const proposal = { ...helper };
    await expect(
      callers[0]!.call('session.propose', { sessionId: repair.sessionId, proposal, expiresAt: SOON }),
    ).rejects.toThrow(code('LOSS_STATEMENT_INVALID'));
    // And the loss of a share of the live key waits for people, as ever.
    servers[1]!.context.epochKeys.destroy({ owner: alice.xid, keyId, epoch: 0 });
    const real = createRepairCourier({ servers, callers, made: live, policy, target: LOST, helpers: [1, 3] });
    expect(await real.proposeToTarget()).toMatchObject({ state: 'proposed', offer: null });
    await real.approve(LOST);
    await real.proposeToTarget();
    expect(await real.proposeToHelper(1)).toMatchObject({ state: 'proposed', offer: null });
    expect((await recordOf(servers[0]!, keyId)).certified).toEqual(shares[0]);
  });

  test('another purpose under the id of a drill, and a drill under another id, are never made, imported or restored', async () => {
    const { callers } = await network.openMany(2);
    await expect(makeKey(callers, { keyId: freshId() })).rejects.toThrow(code('KEY_IS_FOR_DRILLS'));
    await expect(makeKey(callers, { purpose: DRILL })).rejects.toThrow(code('NO_KEY_OF_A_DRILL'));
    await expect(makeKey(callers, { purpose: DRILL, keyId: freshId(), exportable: true })).rejects.toThrow(
      code('KEY_IS_FOR_DRILLS'),
    );
    await expect(
      makeKey(callers, { purpose: DRILL, keyId: freshId(), policy: { kinds: ['message'] } }),
    ).rejects.toThrow(code('KIND_NOT_FOR_PURPOSE'));
  });

  test('a key of a drill is for nothing else: no change, freeze, head, export, other request', async () => {
    const { callers, made } = await makeDrillKey();
    const called = naming(made.keyId, made);
    for (const [name, parameters] of Object.entries(called)) {
      const asked = callers[0]!.call(name as FunctionName, parameters as Parameters<FunctionName>);
      await expect(asked, name).rejects.toMatchObject({
        code: expect.stringMatching(/^KEY_IS_FOR_DRILLS$|^PARAMETERS_INVALID$/) as string,
      });
    }
    await expect(made.signer.request(1, messageOf('pay mallory'), {})).rejects.toThrow(
      code('REQUEST_KIND_NOT_FOR_KEY'),
    );
    for (const kind of ['reshare', 'export', 'import']) {
      const proposal = { kind, keyId: made.keyId } as never;
      const sessionId = new Uint8Array(randomBytes(32));
      await expect(
        callers[0]!.call('session.propose', { sessionId, proposal, expiresAt: SOON }),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/KEY_IS_FOR_DRILLS|PARAMETERS_INVALID/) as string,
      });
    }
  });

  test('few functions are about one, and each says so', () => {
    expect(FUNCTION_NAMES.filter((name) => drillsOf(name) !== null)).toEqual([
      'key.show',
      'key.certify',
      'drill.forget',
      'craft.prepare',
      'request.ask',
    ]);
  });

  test('signs its text a few times, and whoever asks for more is refused', async () => {
    const { callers, made } = await makeDrillKey();
    for (let count = 0; count < 16; count++) await made.signer.sign(ask, [1, LOST]);
    await expect(made.signer.sign(ask, [1, LOST])).rejects.toThrow(code('POLICY_RATE'));
    for (const caller of callers) await caller.call('drill.forget', { keyId: made.keyId });
  });

  test('of somebody else’s there is nothing to forget', async () => {
    const { servers, made } = await makeDrillKey();
    const hers = await servers[0]!.as(mallory);
    await expect(hers.call('drill.forget', { keyId: made.keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
    expect(await keysAt(servers[0]!)).toHaveLength(1);
  });
});

describe('keys of drills that were left', () => {
  test('are few at a time, and those of a week ago are forgotten when another is made', async () => {
    let now = TEST_TIME;
    const { servers, callers, made } = await makeDrillKey({}, {}, () => now);
    const another = () => makeKey(callers, { purpose: DRILL, keyId: freshId(), expiresAt: now + 600 });
    for (let count = 1; count < MOST_DRILL_KEYS; count++) await another();
    await expect(another()).rejects.toThrow(code('DRILLS_TOO_MANY'));
    // Other keys are made all the same.
    await makeKey(callers, { expiresAt: now + 600 });
    now += DRILL_KEY_SECONDS;
    const { keyId } = await another();
    const left = (await keysAt(servers[0]!)).map((row) => row.keyId).filter(isDrillKeyId);
    expect(left).toEqual([keyId]);
    expect(await keysAt(servers[0]!)).toHaveLength(2);
    expect((await deedsAt(servers[0]!)).filter((deed) => deed.startsWith('drill.forget'))).toHaveLength(
      MOST_DRILL_KEYS,
    );
    await expect(callers[0]!.call('key.show', { keyId: made.keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
  });

  test('B9: are counted where they come to lie here, however many were begun before, and whatever their ids are', async () => {
    const { servers, callers } = await network.openMany(2);
    const make = (keyId: Uint8Array) => makeKey(callers, { purpose: DRILL, keyId });
    await make(drillKeyId(new Uint8Array(16)));
    for (let count = 2; count < MOST_DRILL_KEYS; count++) await make(freshId());
    const made = await Promise.allSettled([make(freshId()), make(freshId()), make(freshId())]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await keysAt(servers[0]!)).toHaveLength(MOST_DRILL_KEYS);
  });

  test('B9: hold up no other one where a row of theirs is damaged, and are forgotten by it too', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const make = () => makeKey(callers, { purpose: DRILL, keyId: freshId(), expiresAt: now + 600 });
    const damage = async (keyId: Uint8Array) => {
      await servers[0]!.stop();
      tamperWith(join(servers[0]!.dataDir, SQLITE_FILE), (database) =>
        database.prepare('update keys set sealed = ? where key_id = ?').run(new Uint8Array(80), keyId),
      );
      servers[0] = await network.restart(servers[0]!);
      callers[0] = await servers[0].as(alice);
    };
    const [first, second] = [await make(), await make()];
    await damage(first.keyId);
    await callers[0]!.call('drill.forget', { keyId: first.keyId });
    await damage(second.keyId);
    now += DRILL_KEY_SECONDS;
    const { keyId } = await make();
    expect((await keysAt(servers[0]!)).map((row) => row.keyId)).toEqual([keyId]);
  });

  test('cannot be brought back in numbers by their certificates', async () => {
    const { callers } = await network.openMany(2, { settings: { backup: 'static' } });
    const made = async () => {
      const wish = { recovery: 'static' } as const;
      const { keyId, certificate } = await makeKey(callers, {
        purpose: DRILL,
        keyId: freshId(),
        policy: wish,
      });
      const { policy } = await callers[0]!.call('key.show', { keyId });
      for (const caller of callers) await caller.call('drill.forget', { keyId });
      return { certificate, policy };
    };
    const all = [];
    for (let count = 0; count <= MOST_DRILL_KEYS; count++) all.push(await made());
    for (const one of all.slice(1)) await callers[1]!.call('key.restore', one);
    await expect(callers[1]!.call('key.restore', all[0]!)).rejects.toThrow(code('DRILLS_TOO_MANY'));
  });
});
