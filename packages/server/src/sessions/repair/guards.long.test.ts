// @module-tag long
import { encodeRepairParameters, parseRepairParameters, REPAIR_DELAY_SECONDS } from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import { encodeRepair, parseRepair, type PartyIndex } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareServer, TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers, mallory } from '../test/bare-servers.js';
import { recordOf } from '../test/lost-database.js';
import { LOST, loseShareAt, makeKeyThenLoseShare, type LostShare } from '../test/lost-share.js';
import { COUNT_SECONDS } from '../waiting-time.js';
import { createRepairCourier, type RepairCourier } from '../test/repair-courier.js';
import { marksOf, openHead } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as CkmError;
const HOUR = 3_600;
const LONG = { expiresAt: TEST_TIME + 10 * 86_400 };

/** Servers whose clock the test moves. */
async function lostAt(): Promise<{ lost: LostShare; clock: { now: number } }> {
  const clock = { now: TEST_TIME };
  return { lost: await makeKeyThenLoseShare(network, 'keys', {}, { now: () => clock.now }), clock };
}

/** So many seconds pass at a server that runs. */
async function pass(
  clock: { now: number },
  seconds: number,
  ...servers: readonly BareServer[]
): Promise<void> {
  for (let left = seconds; left > 0; left -= COUNT_SECONDS) {
    clock.now += COUNT_SECONDS;
    for (const { sessions } of servers) await sessions.sweep();
  }
}
const DELAY = REPAIR_DELAY_SECONDS;

async function stated(repair: RepairCourier): Promise<RepairCourier> {
  await repair.proposeToTarget();
  await repair.approve(LOST);
  await repair.proposeToTarget();
  return repair;
}

describe('L6: a helper', () => {
  test('waits for its operator, or for 24 hours in which it ran', async () => {
    const { lost, clock } = await lostAt();
    const repair = await stated(lost.repair(LONG));
    expect(await repair.proposeToHelper(1)).toMatchObject({ state: 'proposed', offer: null });
    await pass(clock, DELAY - COUNT_SECONDS, lost.servers[0]!);
    expect(await repair.proposeToHelper(1)).toMatchObject({ state: 'proposed' });
    await pass(clock, COUNT_SECONDS, lost.servers[0]!);
    expect(await repair.proposeToHelper(1)).toMatchObject({ state: 'accepted' });
    const { context } = lost.servers[0]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(lines.at(-1)).toMatchObject({
      deed: 'session.accepted',
      who: null,
      sentence: 'Help slot 2 of this key to the share that it has lost (epoch 0).',
      detail: 'its operator said nothing for 24 hours',
    });
  });

  test('counts no hour in which it was switched off', async () => {
    const { lost, clock } = await lostAt();
    const repair = await stated(lost.repair(LONG));
    await repair.proposeToHelper(1);
    await pass(clock, 23 * HOUR, lost.servers[0]!);
    await lost.servers[0]!.stop();
    clock.now += 48 * HOUR;
    const alpha = await network.restart(lost.servers[0]!);
    await alpha.sessions.sweep();
    lost.servers[0] = alpha;
    const { sessions } = await alpha.sessions.sessionDesk.list();
    expect(sessions).toHaveLength(1);
    await pass(clock, HOUR - COUNT_SECONDS, alpha);
    expect((await alpha.sessions.sessionDesk.list()).sessions).toHaveLength(1);
    await pass(clock, COUNT_SECONDS, alpha);
    expect((await alpha.sessions.sessionDesk.list()).sessions).toEqual([]);
  });

  test('says nothing before it agreed, whatever it is handed: a thief with the laptop waits like its owner', async () => {
    const { lost } = await lostAt();
    const repair = await stated(lost.repair(LONG));
    await repair.proposeToHelper(1);
    await repair.proposeToHelper(3);
    await repair.approve(3);
    await repair.proposeToHelper(3);
    const { sessionId } = repair;
    const call = { sessionId, parameters: new Uint8Array(64) };
    await expect(lost.callers[0]!.call('session.join', call)).rejects.toThrow(code('SESSION_NOT_ACCEPTED'));
  });

  test('that was shown two certificates of an epoch neither agrees to help nor goes on with it', async () => {
    const { lost } = await lostAt();
    const { context } = lost.servers[0]!;
    const repair = await stated(lost.repair(LONG));
    for (const slot of [1, 3]) {
      await repair.proposeToHelper(slot);
      await repair.approve(slot);
      await repair.proposeToHelper(slot);
    }
    await context.storage.transact(async (transaction) => {
      const row = (await transaction.keys.hold(alice.xid, lost.made.keyId))!;
      await noteMarks(context, transaction, row, { ...marksOf(openHead(context, row)), forked: 1 });
    });
    await expect(repair.join(1)).rejects.toThrow(code('KEY_FORKED'));
    const another = await stated(lost.repair(LONG));
    await expect(another.proposeToHelper(1)).rejects.toThrow(code('KEY_FORKED'));
  });

  test('helps the same slot once in an epoch, and once more only when its operator says so', async () => {
    const { lost, clock } = await lostAt();
    const { servers, callers, made } = lost;
    const first = lost.repair(LONG);
    await first.begin();
    await first.finish();
    await loseShareAt(network, servers, callers, made.keyId, LOST, 'keys');
    const second = await stated(lost.repair(LONG));
    await second.proposeToHelper(1);
    await pass(clock, 2 * DELAY, servers[0]!);
    expect(await second.proposeToHelper(1)).toMatchObject({ state: 'proposed' });
    await second.approve(1);
    await second.proposeToHelper(1);
    await second.proposeToHelper(3);
    await second.approve(3);
    await second.proposeToHelper(3);
    for (const slot of [1, 3, LOST]) await second.join(slot);
    await second.finish();
    expect((await recordOf(servers[1]!, made.keyId)).certified).toEqual(lost.before.certified);
  });

  test('that was begun with twice at once, and not by its operator, answers one of the two', async () => {
    const { lost, clock } = await lostAt();
    const one = await stated(lost.repair(LONG));
    const other = await stated(lost.repair(LONG));
    for (const repair of [one, other]) for (const slot of [1, 3]) await repair.proposeToHelper(slot);
    await pass(clock, DELAY, lost.servers[0]!, lost.servers[2]!);
    for (const repair of [one, other]) {
      for (const slot of [1, 3]) await repair.proposeToHelper(slot);
      for (const slot of [1, 3, LOST]) await repair.join(slot);
    }
    await one.finish();
    expect(one.views.get(LOST)).toMatchObject({ state: 'finished' });
    await expect(other.finish()).rejects.toThrow(code('REPAIR_SERVED'));
  });
});

describe('V30: a repair is refused', () => {
  test('to anybody but the identity that the certificate names, whatever statement is shown', async () => {
    const { lost } = await lostAt();
    const repair = await stated(lost.repair());
    const changed = repair.loss().slice();
    changed[changed.length - 1]! ^= 1;
    await expect(repair.proposeToHelper(1, changed)).rejects.toThrow(code('LOSS_STATEMENT_INVALID'));
    const ofOther = repair.loss().slice();
    ofOther[1 + 32 + 4 + 32 + 1] = 3;
    await expect(repair.proposeToHelper(1, ofOther)).rejects.toThrow(code('LOSS_STATEMENT_INVALID'));
    const atZero = repair.loss().slice();
    atZero[1 + 32 + 4 + 32 + 1] = 0;
    await expect(repair.proposeToHelper(1, atZero)).rejects.toThrow(code('PARTY_INDEX_INVALID'));
  });

  test('to somebody who has an account and no key, as if the key did not exist', async () => {
    const { lost } = await lostAt();
    const repair = await stated(lost.repair());
    const thief = await lost.servers[0]!.as(mallory);
    const { sessionId } = repair;
    const proposal = { ...repair.proposalToHelper() };
    const call = { sessionId, proposal, expiresAt: TEST_TIME + 600 };
    await expect(thief.call('session.propose', call)).rejects.toThrow(code('KEY_UNKNOWN'));
  });

  test('with too few helpers, with the target among them, or with other parameters than proposed', async () => {
    const { lost } = await lostAt();
    const repair = await stated(lost.repair());
    for (const slot of [1, 3]) {
      await repair.proposeToHelper(slot);
      await repair.approve(slot);
      await repair.proposeToHelper(slot);
    }
    const right = parseRepairParameters(repair.parameters());
    const { nonces } = right;
    const withHelpers = (...helpers: number[]) =>
      encodeRepair({ ...parseRepair(right.repair), helpers: helpers as PartyIndex[] });
    const joinWith = (repairBytes: Uint8Array, offered = nonces) =>
      repair.join(1, encodeRepairParameters({ repair: repairBytes, nonces: offered }));
    await expect(joinWith(withHelpers(1))).rejects.toThrow(code('PARTY_COUNT_INVALID'));
    await expect(joinWith(withHelpers(1, LOST))).rejects.toThrow(code('REPAIR_HELPERS_INVALID'));
    await expect(joinWith(withHelpers(0, 1))).rejects.toThrow(code('PARTY_INDEX_INVALID'));
    await expect(joinWith(withHelpers(1, 3, 4))).rejects.toThrow(code('PARTY_UNKNOWN'));
    await expect(joinWith(right.repair, nonces.toReversed())).rejects.toThrow(code('PARAMETERS_DIFFER'));
    await expect(joinWith(right.repair, nonces.slice(1))).rejects.toThrow(code('PARAMETERS_DIFFER'));
    const otherKey = right.repair.slice();
    otherKey[4 + 80]! ^= 1;
    await expect(joinWith(otherKey)).rejects.toThrow();
    expect(await repair.join(1)).toMatchObject({ state: 'running' });
  });

  test('when the statement is of an earlier loss: nobody can open what is answered to it', async () => {
    const { lost } = await lostAt();
    const earlier = await stated(lost.repair());
    const later = await stated(lost.repair());
    for (const slot of [1, 3]) {
      await later.proposeToHelper(slot, earlier.loss());
      await later.approve(slot);
      await later.proposeToHelper(slot, earlier.loss());
    }
    const replayed = later.parameters(earlier.loss());
    for (const slot of [1, 3]) await later.join(slot, replayed);
    await expect(later.join(LOST, replayed)).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });
});

describe('what a stolen laptop does not get', () => {
  test('a share of a key that is frozen: nobody helps with it, and the time stands still', async () => {
    const { lost, clock } = await lostAt();
    const { keyId } = lost.made;
    const waiting = await stated(lost.repair(LONG));
    await waiting.proposeToHelper(1);
    const until = clock.now + 5 * 86_400;
    const freeze = { keyId, id: new Uint8Array(32).fill(7), from: clock.now, until };
    await lost.callers[0]!.call('key.freeze', freeze);
    await pass(clock, 2 * DELAY, lost.servers[0]!);
    expect((await lost.servers[0]!.sessions.sessionDesk.list()).sessions).toHaveLength(1);
    const later = await stated(lost.repair(LONG));
    await expect(later.proposeToHelper(1)).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  });

  test('an answer of a helper that was frozen since it joined', async () => {
    const { lost, clock } = await lostAt();
    const { keyId } = lost.made;
    const repair = lost.repair(LONG);
    await repair.begin();
    const freeze = { keyId, id: new Uint8Array(32).fill(8), from: clock.now, until: clock.now + 86_400 };
    for (const slot of [1, 3]) await lost.callers[slot - 1]!.call('key.freeze', freeze);
    await expect(repair.finish()).rejects.toThrow(code('POLICY_KEY_FROZEN'));
    expect(repair.views.get(LOST)).toMatchObject({ state: 'running' });
  });

  test.each(['keys', 'all'] as const)(
    'a share that the server has for another account (%s lost there, or not)',
    async (loss) => {
      const { servers, made, policy, callers } = await makeKeyThenLoseShare(network, loss);
      const thief = await servers[0]!.as(mallory);
      const proposal = {
        ...createRepairCourier({
          servers,
          callers,
          made,
          policy,
          target: 1,
          helpers: [2, 3],
        }).proposalToTarget(),
      };
      const call = { sessionId: new Uint8Array(32).fill(9), proposal, expiresAt: TEST_TIME + 600 };
      await expect(thief.call('session.propose', call)).rejects.toThrow(code('SHARE_NOT_LOST'));
      if (loss === 'all') return;
      const atLost = { ...call, proposal: { ...lostProposal({ servers, callers, made, policy }) } };
      const there = await servers[1]!.as(mallory);
      await expect(there.call('session.propose', atLost)).rejects.toThrow(code('SHARE_NOT_LOST'));
    },
  );

  test('a second night: after one no of an operator silence is a yes no more in this epoch', async () => {
    const { lost, clock } = await lostAt();
    const repair = await stated(lost.repair(LONG));
    await repair.proposeToHelper(1);
    const { sessionDesk } = lost.servers[0]!.sessions;
    const [waiting] = (await sessionDesk.list()).sessions;
    await sessionDesk.reject(waiting!, 'nobody called me');
    const again = await stated(lost.repair(LONG));
    await again.proposeToHelper(1);
    await pass(clock, 2 * DELAY, lost.servers[0]!);
    expect((await sessionDesk.list()).sessions).toHaveLength(1);
  });
});

test('L14: a repaired server votes on nothing until others have told it what it may have said', async () => {
  const { lost } = await lostAt();
  const repair = lost.repair(LONG);
  await repair.begin();
  await repair.finish();
  const { context } = lost.servers[1]!;
  const row = await context.storage.read(({ keys }) => keys.find(alice.xid, lost.made.keyId));
  expect(openHead(context, row!).forgot).toHaveLength(32);
});

function lostProposal(of: Pick<LostShare, 'servers' | 'callers' | 'made' | 'policy'>) {
  return createRepairCourier({ ...of, target: LOST, helpers: [1, 3] }).proposalToTarget();
}
