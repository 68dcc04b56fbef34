// @module-tag long
import { encodeExportYeses, exportOffer, type HeirMay } from '@ckm/api';
import { type CkmError, reveal } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  combineShares,
  hashExport,
  parseCertificate,
  type PartyIndex,
  verifyFirstEpoch,
} from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers, messageOf } from '../sessions/test/bare-servers.js';
import {
  approve,
  type Exportable,
  join,
  opened,
  type Order,
  orderOf,
  propose,
  yesesOf,
} from '../sessions/test/export-courier.js';
import { DAY, eve, heirAt, heirTerms, keyWithHeir } from './test/heirs.js';

const network = createBareServers();
afterEach(() => network.close());
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: Partial<CkmError>) => error.code ?? String(error.message),
  );

/** A key that may leave, or not, whose heir may do that with it; her own callers go through her owner’s account. */
async function open(may: readonly HeirMay[] = ['recover'], policy: object = {}, exportable = true) {
  const silence = { ...heirTerms.silence, grants: [{ who: 'eve', may: [...may] }] };
  const world = await keyWithHeir(network, {
    terms: { ...heirTerms, silence },
    made: { exportable, policy: { changes: 'automatic', changeDelay: 0, ...policy } },
  });
  const epoch = verifyFirstEpoch(parseCertificate(world.certificate));
  const { keyId, servers } = world;
  const expiresAt = world.clock.now + 10 * DAY;
  const as = (callers: Exportable['callers']): Exportable => ({ callers, keyId, epoch, expiresAt });
  const ripen = async () => {
    // Whoever has spoken is heard with the next look.
    await world.pass(0);
    await world.pass(31 * DAY);
    await world.round();
    await world.pass(0);
    await world.pass(15 * DAY);
    return (await world.round()).map(({ granted }) => granted);
  };
  await world.alive(1, 2, 3);
  return {
    ...world,
    epoch,
    ripen,
    hers: as(servers.map((server) => heirAt(server, eve, keyId))),
    owners: as(world.her),
    order: () => orderOf({ keyId, epoch }, { heir: 'eve' }),
  };
}

function expectTheKey({ epoch }: Exportable, shares: Parameters<typeof combineShares>[1]): void {
  const scalar = reveal(combineShares(epoch, shares), 'compare a key of a test');
  const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
  expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(epoch.public.groupKey);
}
const takeFrom = async (world: Exportable, order: Order, slots: readonly number[]) => {
  const yeses = await yesesOf(world, order, slots);
  const views = [];
  for (const slot of slots) views.push(await join(world, slot, order, yeses));
  return views.map((view) => opened(order, view));
};

describe('recover, which terms grant by silence', () => {
  test('gives the heir the key itself, by the guards of an export, once it is granted at each server; and by it nobody signs at servers', async () => {
    const world = await open();
    const { hers } = world;
    const order = world.order();
    expect(await code(propose(hers, 1, order))).toBe('HEIR_NOT_GRANTED');
    expect(await world.ripen()).toEqual([['recover'], ['recover'], ['recover']]);
    expect(await code(world.signerOf(eve).sign(messageOf('not by recover'), [1, 2]))).toBe(
      'HEIR_NOT_GRANTED',
    );
    expectTheKey(hers, await takeFrom(hers, order, [1, 3]));
    const { key } = await world.hers.callers[0]!.call('key.show', { keyId: world.keyId });
    expect(key.exportedAt).toBeDefined();
    const { context } = world.servers[0]!;
    const log = await context.storage.read((reader) => context.audit.list(reader, 1, 500));
    expect(log.map(({ sentence }) => sentence).join(' ')).toContain(
      'out to eve, who asks in the place of its silent owner',
    );
  });

  test('waits for the operator and his six words as the owner’s own does, and he is told who asks', async () => {
    const world = await open(['recover'], { changes: 'operator' });
    await world.ripen();
    const order = world.order();
    for (const slot of [1, 2])
      expect(await propose(world.hers, slot, order)).toMatchObject({ state: 'proposed', offer: null });
    const { sessions } = await world.servers[0]!.sessions.sessionDesk.list();
    expect(sessions[0]!.sentence).toContain('eve, who asks in the place of its silent owner');
    for (const slot of [1, 2]) await approve(world.servers[slot - 1]!, order);
    expectTheKey(world.hers, await takeFrom(world.hers, order, [1, 2]));
  });

  test('a bribed heir with a stolen laptop: what she began is over with the first word of the owner, whoever says it, and nobody else goes on with it', async () => {
    const world = await open(['use', 'recover'], { changes: 'operator' });
    await world.ripen();
    const order = world.order();
    for (const slot of [1, 2, 3]) await propose(world.hers, slot, order);
    for (const server of world.servers) await approve(server, order);
    const yeses = await yesesOf(world.hers, order, [1, 2]);
    // The laptop can neither hand over what she has gathered nor ask in her name.
    expect(await code(join(world.owners, 1, order, yeses))).toBe('SESSION_DIFFERS');
    expect(await code(propose(world.owners, 2, world.order()))).toBe('SESSION_DIFFERS');
    // By its very asking the owner has been heard at those servers.
    for (const slot of [1, 2])
      expect(await code(join(world.hers, slot, order, yeses))).toBe('HEIR_NOT_GRANTED');
    await world.alive(1, 2, 3);
    for (const slot of [1, 2, 3]) {
      expect(await code(join(world.hers, slot, order, yeses))).toBe('HEIR_NOT_GRANTED');
      const shown = await world.owners.callers[slot - 1]!.call('session.show', {
        sessionId: order.sessionId,
        after: 0,
      });
      expect(shown).toMatchObject({ state: 'cancelled', reason: 'the owner of the key was heard' });
    }
    // And granted once more it is begun anew.
    await world.ripen();
    for (const slot of [1, 2]) expect(await code(join(world.hers, slot, order, yeses))).toBe('OK');
    const views = await Promise.all(
      [1, 2].map((slot) =>
        world.hers.callers[slot - 1]!.call('session.show', { sessionId: order.sessionId, after: 0 }),
      ),
    );
    expect(views.map(({ state, result }) => [state, result])).toEqual([
      ['cancelled', null],
      ['cancelled', null],
    ]);
  });

  test('an heir touches no other ceremony: none of another kind, key or name, and none that the owner has begun', async () => {
    const world = await open(['use', 'recover'], { changes: 'operator' });
    const mine = orderOf(world);
    await propose(world.owners, 1, mine);
    await world.ripen();
    const { callers } = world.hers;
    const id = { sessionId: mine.sessionId };
    const yes = { slot: 1 as PartyIndex, signature: new Uint8Array(64) };
    const parameters = encodeExportYeses([yes, yes]);
    expect(await code(callers[0]!.call('session.show', { ...id, after: 0 }))).toBe('HEIR_UNKNOWN');
    expect(await code(callers[0]!.call('session.join', { ...id, parameters }))).toBe('HEIR_UNKNOWN');
    expect(await code(callers[0]!.call('session.cancel', { ...id, reason: 'hers' }))).toBe('HEIR_UNKNOWN');
    for (const changes of [{ heir: 'adam' }, { heir: 'eve', keyId: new Uint8Array(32) }, {}])
      expect(await code(propose(world.hers, 1, orderOf(world, changes)))).toBe('HEIR_UNKNOWN');
    const dkg = { kind: 'dkg' as const, keyId: world.keyId, heir: 'eve' };
    const asked = { sessionId: new Uint8Array(32), proposal: dkg, expiresAt: world.clock.now + 600 };
    expect(await code(callers[0]!.call('session.propose', asked))).toBe('HEIR_UNKNOWN');
  });

  test('opens nothing of a key that was not made to leave, and nothing to an heir who may use it alone', async () => {
    const fixed = await open(['recover'], {}, false);
    await fixed.ripen();
    expect(await code(propose(fixed.hers, 1, fixed.order()))).toBe('KEY_NOT_EXPORTABLE');
    const user = await open(['use']);
    expect(await user.ripen()).toEqual([['use'], ['use'], ['use']]);
    expect(await code(propose(user.hers, 1, user.order()))).toBe('HEIR_NOT_GRANTED');
  });

  test('behind a kill between every two steps it says the same, and the key comes of it', async () => {
    const world = await open();
    await world.ripen();
    const order = world.order();
    const restartAll = async () => {
      for (const slot of [1, 2, 3]) await world.restart(slot);
    };
    const callers = () => world.servers.map((server) => heirAt(server, eve, world.keyId));
    const now = (): Exportable => ({ ...world.hers, callers: callers() });
    for (const slot of [1, 2, 3]) await propose(now(), slot, order);
    await restartAll();
    const yeses = await yesesOf(now(), order, [1, 2]);
    await restartAll();
    const first = opened(order, await join(now(), 1, order, yeses));
    await restartAll();
    expect(opened(order, await join(now(), 1, order, yeses))).toEqual(first);
    const second = opened(order, await join(now(), 2, order, yeses));
    expectTheKey(world.hers, [first, second]);
    expect(exportOffer.parse((await propose(now(), 1, order)).offer).slot).toBe(1);
    expect(hashExport(order.proposal, order.proposal)).toHaveLength(32);
  });
});
