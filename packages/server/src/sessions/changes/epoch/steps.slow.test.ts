import { type Parameters, parsePacket } from '@ckm/api';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CarriedChange, carryChange, completeChange, nextMember, preparing } from '@ckm/testkit';
import { encodeChangeCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, type MadeKey, messageOf, SOON } from '../../test/bare-servers.js';
import { loseDatabase } from '../../test/lost-database.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

interface World {
  readonly servers: BareServer[];
  readonly callers: BareCaller[];
  readonly made: MadeKey;
  readonly keyId: Uint8Array;
}

/** Servers of which the first ones have a key. */
async function withKey(count: number, of: number, now = () => TEST_TIME): Promise<World> {
  const { servers, callers } = await network.openMany(count, { now });
  const made = await makeKey(callers.slice(0, of), { policy: AT_ONCE });
  return { servers, callers, made, keyId: made.keyId };
}

/** A change among these servers, by their places. */
function change(
  { servers, callers, keyId }: World,
  from: readonly number[],
  to: readonly number[],
): Promise<CarriedChange> {
  const next = to.map((at) => nextMember(servers[at]!, callers[at]!));
  const expiresAt = () => servers[from[0]!]!.context.clock() + 600;
  return carryChange({ servers: from.map((at) => callers[at]!), keyId, expiresAt, next, needed: 2 });
}

/** The data of a server as it is now: what a backup would bring back of it. */
async function copyOf(world: World, at: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-old-'));
  await world.servers[at]!.stop();
  cpSync(world.servers[at]!.dataDir, folder, { recursive: true });
  await startAgain(world, at, world.servers[at]!.dataDir);
  return folder;
}

async function startAgain(world: World, at: number, dataDir: string): Promise<void> {
  world.servers[at] = await network.restart(world.servers[at]!, { dataDir });
  world.callers[at] = await world.servers[at].as(alice);
}

/** A server as it was, which knows that it may be older than what it said; the others tell it how far the key is. */
async function restore(world: World, at: number, folder: string): Promise<void> {
  await startAgain(world, at, folder);
  await world.servers[at]!.sessions.voidOpen('the database is an older one');
  const { callers, keyId } = world;
  const { asks } = await callers[at]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
  const heads = await Promise.all(
    callers.flatMap((caller, i) =>
      i === at
        ? []
        : [
            caller.call('key.head', { keyId, nonce: asks! }).then(({ head, signature }) => ({
              slot: i + 1,
              head,
              signature,
            })),
          ],
    ),
  );
  await callers[at]!.call('key.heads', { keyId, heads });
}

describe('the old epoch stays in use until enough servers of the next one have their shares', () => {
  test('2-of-2: one that kept its share goes on in the old epoch with one that was restored from before the change', async () => {
    const world = await withKey(2, 2);
    const { made, keyId } = world;
    const folder = await copyOf(world, 1);
    const carried = await change(world, [0, 1], [0, 1]);
    const certificate = await completeChange(carried);
    const alpha = world.callers[0]!;
    const acknowledgements = await carried.acknowledge(certificate, [1]);
    // Its own promise counts once, however often it is shown.
    const twice = [...acknowledgements, { ...acknowledgements[0]!, slot: 2 }, ...acknowledgements];
    for (const shown of [[], acknowledgements, twice]) {
      const kept = await alpha.call('change.commit', { keyId, certificate, acknowledgements: shown });
      expect(kept).toMatchObject({ epoch: 1, isEntered: false });
      expect(kept.acknowledgement).toEqual(acknowledgements[0]!.signature);
    }
    expect((await alpha.call('key.show', { keyId })).key).toMatchObject({ epoch: 0, decided: 1 });
    await restore(world, 1, folder);
    await expect(world.callers[1]!.call('change.commit', { keyId, certificate })).rejects.toThrow(
      code('CHANGE_SHARE_LOST'),
    );
    await signIn(world.callers, made, made.key, { epoch: 0, signers: [1, 2] });
  });

  test('to wholly other servers: nobody leaves before as many of them as the quorum needs have their shares', async () => {
    const world = await withKey(6, 3);
    const { made, keyId } = world;
    const carried = await change(world, [0, 1, 2], [3, 4, 5]);
    const certificate = await completeChange(carried);
    const one = await carried.acknowledge(certificate, [1]);
    for (const at of [4, 5]) {
      world.servers[at] = await loseDatabase(network, world.servers[at]!);
      world.callers[at] = await world.servers[at].as(alice);
    }
    for (const caller of world.callers.slice(0, 3)) {
      const asked = { keyId, certificate, acknowledgements: one };
      expect(await caller.call('change.commit', asked)).toMatchObject({
        isEntered: false,
        acknowledgement: null,
      });
      await expect(
        caller.call('change.leave', { keyId, certificates: [certificate], acknowledgements: one }),
      ).rejects.toThrow(code('ACKNOWLEDGEMENTS_TOO_FEW'));
    }
    await signIn(world.callers, made, made.key, { epoch: 0, signers: [1, 3] });
  });

  test('two of three are enough, the third is brought along later, and then the old ones go', async () => {
    const world = await withKey(6, 3);
    const { made, keyId } = world;
    const carried = await change(world, [0, 1, 2], [3, 4, 5]);
    const certificate = await completeChange(carried);
    const acknowledgements = await carried.acknowledge(certificate, [1, 3]);
    const commit = (at: number) =>
      world.callers[at]!.call('change.commit', { keyId, certificate, acknowledgements });
    for (const at of [3, 5]) expect(await commit(at)).toMatchObject({ isEntered: true });
    await signIn(world.callers.slice(0, 3), made, made.key, { epoch: 0, signers: [1, 2] });
    for (const at of [0, 1, 2, 4]) expect(await commit(at)).toMatchObject({ isEntered: true });
    await expect(world.callers[0]!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
      code('KEY_LEFT'),
    );
    const { before } = await change(world, [3, 4, 5], [3, 4, 5]);
    await signIn(world.callers.slice(3), made, before.public, { epoch: 1, signers: [2, 3] });
  });

  test('V31: nonces of the old epoch are good until a server goes over, and void from then on', async () => {
    const world = await withKey(2, 2);
    const { made } = world;
    const carried = await change(world, [0, 1], [0, 1]);
    const certificate = await completeChange(carried);
    const [early, late] = [await made.signer.prepare([1, 2]), await made.signer.prepare([1, 2])];
    await carried.acknowledge(certificate);
    await made.signer.attempt(messageOf('kept'), early);
    await carried.commit(certificate);
    await expect(made.signer.attempt(messageOf('entered'), late)).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
  });

  test('a promise of another epoch, or of nobody in the roster, lets nobody go over', async () => {
    const world = await withKey(3, 3);
    const { keyId } = world;
    const first = await change(world, [0, 1, 2], [0, 1, 2]);
    const certificate = await completeChange(first);
    const [own, other] = await first.acknowledge(certificate, [1, 2]);
    const false_ = [
      { slot: 2, signature: own!.signature },
      { slot: 3, signature: other!.signature },
      { slot: 9, signature: other!.signature },
      { slot: 2, signature: new Uint8Array(64) },
    ];
    const asked = { keyId, certificate, acknowledgements: false_ };
    expect(await world.callers[0]!.call('change.commit', asked)).toMatchObject({ isEntered: false });
  });
});

describe('a server that keeps the certificate of the next epoch', () => {
  test('says nothing else of the epoch in use, and shows what is decided to every client', async () => {
    const world = await withKey(4, 3);
    const { keyId } = world;
    const carried = await change(world, [0, 1, 2], [0, 1, 3]);
    const certificate = await completeChange(carried);
    await carried.acknowledge(certificate);
    const [alpha, , , delta] = world.callers;
    const other = await change(world, [0, 1, 2], [0, 1, 2]);
    await expect(other.propose()).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_EPOCH_DIFFERS', facts: { epoch: 1 } }),
    );
    expect((await carried.propose()).map(({ state }) => state)).toEqual(['done', 'done', 'ready', 'done']);
    await expect(carried.promise(2, [1])).rejects.toThrow(
      expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason: 'decided' } }),
    );
    const { orderHash } = carried;
    await expect(alpha!.call('change.cancel', { keyId, epoch: 0, orderHash })).rejects.toThrow(
      code('KEY_EPOCH_DIFFERS'),
    );
    for (const caller of [alpha!, delta!]) {
      const shown = await caller.call('key.chain', { keyId, after: 0 });
      expect(shown).toEqual({ certificates: [certificate], next: null });
    }
    const whole = await alpha!.call('key.chain', { keyId, after: null });
    expect(whole.certificates).toEqual([world.made.certificate]);
    expect((await alpha!.call('key.list', { after: null })).keys[0]).toMatchObject({ epoch: 0, decided: 1 });
  });

  test('goes over to it by the certificate of the epoch behind it, without any acknowledgement', async () => {
    let now = TEST_TIME;
    const world = await withKey(3, 3, () => now);
    const { keyId } = world;
    const [alpha, bravo, charlie] = world.callers;
    const first = await change(world, [0, 1, 2], [0, 1, 2]);
    const one = await completeChange(first);
    await charlie!.call('change.commit', { keyId, certificate: one });
    const acknowledgements = await first.acknowledge(one, [1, 2]);
    for (const caller of [alpha!, bravo!])
      await caller.call('change.commit', { keyId, certificate: one, acknowledgements });
    const second = await change(world, [0, 1], [0, 1]).catch((error: unknown) => error);
    expect(second).not.toBeInstanceOf(Error);
    now += 86_400;
    const carried = second as CarriedChange;
    await carried.propose();
    const promises = await carried.promise(1);
    const whole = await carried.move(1, promises);
    const locks = await carried.lock(1, whole, promises);
    const yields = await carried.yield(whole, carried.locksOf(1, whole, locks));
    const two = carried.certify(1, whole, { promises, locks, yields });
    expect(await charlie!.call('change.commit', { keyId, certificate: two })).toMatchObject({
      epoch: 2,
      isEntered: false,
      acknowledgement: null,
    });
    expect((await charlie!.call('key.show', { keyId })).key).toMatchObject({ epoch: 1, decided: 2 });
  });

  test('keeps both, and answers nothing, when it is shown a second one that holds', async () => {
    const names = ['alpha', 'bravo'];
    const secrets = names.map((_, i) => ({
      seed: new Uint8Array(32).fill(i + 1),
      storageKey: new Uint8Array(32).fill(101 + i),
    }));
    const servers: BareServer[] = [];
    for (const [i, one] of secrets.entries()) servers.push(await network.open({ name: names[i]!, ...one }));
    const { keyId } = await makeKey(await Promise.all(servers.map((server) => server.as(alice))));
    const twins: BareServer[] = [];
    for (const [i, server] of servers.entries()) {
      const dataDir = mkdtempSync(join(tmpdir(), 'ckm-twin-'));
      await server.stop();
      cpSync(server.dataDir, dataDir, { recursive: true });
      servers[i] = await network.restart(server);
      twins.push(await network.open({ name: names[i]!, dataDir, ...secrets[i]! }));
    }
    const decide = async (those: readonly BareServer[]) => {
      const callers = await Promise.all(those.map((server) => server.as(alice)));
      const carried = await carryChange({ servers: callers, keyId, expiresAt: SOON });
      return { callers, certificate: await completeChange(carried) };
    };
    const [ours, theirs] = [await decide(servers), await decide(twins)];
    const alpha = ours.callers[0]!;
    await alpha.call('change.commit', { keyId, certificate: ours.certificate });
    await expect(alpha.call('change.commit', { keyId, certificate: theirs.certificate })).rejects.toThrow(
      code('KEY_FORKED'),
    );
    await expect(alpha.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(code('KEY_FORKED'));
    expect((await alpha.call('key.show', { keyId })).key.forked).toBe(1);
  });
});

describe('an acknowledgement', () => {
  test('is not given again for a share that does not open any more', async () => {
    const world = await withKey(2, 2);
    const { keyId, servers, callers } = world;
    const carried = await change(world, [0, 1], [0, 1]);
    const certificate = await completeChange(carried);
    await carried.commit(certificate);
    servers[1]!.context.epochKeys.destroy({ owner: alice.xid, keyId, epoch: 1 });
    await expect(callers[1]!.call('change.commit', { keyId, certificate })).rejects.toThrow(
      code('CHANGE_SHARE_LOST'),
    );
    expect(await callers[0]!.call('change.commit', { keyId, certificate })).toMatchObject({ epoch: 1 });
  });
});

describe('a session that moved shares and did not end', () => {
  const openOnes = ({ context }: BareServer) =>
    context.storage.read((reader) => reader.sessions.listOpen(alice.xid, 10));

  /** Brings nobody what the others signed, as a client does that asks for a lock next. */
  const withoutSignatures = (caller: BareCaller): BareCaller => ({
    name: caller.name,
    call: async (name, parameters) => {
      if (name !== 'session.deliver') return caller.call(name, parameters);
      const { packets, ...asked } = parameters as Parameters<'session.deliver'>;
      const dealings = packets.filter((packet) => parsePacket(packet).round === 0);
      const view = await caller.call('session.deliver', { ...asked, packets: dealings });
      return { ...view, state: 'finished' } as never;
    },
  });

  test('ends where this server locks what came of it, with what opens its secrets: nothing else does, and no other session', async () => {
    const world = await withKey(2, 2);
    const { context } = world.servers[0]!;
    const deaf = { ...world, callers: world.callers.map(withoutSignatures) };
    const carried = await change(deaf, [0, 1], [0, 1]);
    await carried.propose();
    const promises = await carried.promise(1);
    const moved = await carried.move(1, promises);
    const [own] = await openOnes(world.servers[0]!);
    const other = await carried.move(1, promises);
    expect((await openOnes(world.servers[0]!)).map(({ state }) => state)).toEqual(['running', 'running']);
    const [last] = moved.signed.signatures.toReversed();
    const forged = encodeChangeCertificate({
      kind: 'change',
      ...moved.signed,
      signatures: [last!, last!],
      promises: new Uint8Array(),
      yields: new Uint8Array(),
    });
    await expect(carried.lock(1, { ...moved, bytes: forged }, promises)).rejects.toThrow(
      code('FAULT_SIGNATURE_INVALID'),
    );
    expect(await openOnes(world.servers[0]!)).toHaveLength(2);
    await carried.lock(1, moved, promises);
    const left = await openOnes(world.servers[0]!);
    expect(left).toHaveLength(1);
    expect(left[0]!.sessionId).not.toEqual(own!.sessionId);
    expect(() => context.epochKeys.find(own!)).toThrow(code('EPOCH_KEY_MISSING'));
    expect(() => context.epochKeys.find(left[0]!).wipe()).not.toThrow();
    const { sessionId } = own!;
    expect(await world.callers[0]!.call('session.show', { sessionId, after: 0 })).toMatchObject({
      state: 'finished',
      result: { kind: 'reshare', transcriptHash: moved.epoch.transcriptHash },
    });
    const log = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(log.slice(-2).map(({ deed }) => deed)).toEqual(['session.finished', 'change.lock']);
    expect(other.epoch.transcriptHash).not.toEqual(moved.epoch.transcriptHash);
  });

  test('ends, and what opens its secrets with it, when what it was for is decided by another one', async () => {
    const world = await withKey(2, 2);
    const { servers } = world;
    const carried = await change(world, [0, 1], [0, 1]);
    await carried.propose();
    const promises = await carried.promise(1);
    const cut = (caller: BareCaller): BareCaller => ({
      name: caller.name,
      call: (name, parameters) =>
        name === 'session.deliver' ? Promise.reject(new Error('cut')) : caller.call(name, parameters),
    });
    const whole = await change(world, [0, 1], [0, 1]);
    const cutOff = await change({ ...world, callers: world.callers.map(cut) }, [0, 1], [0, 1]);
    await expect(cutOff.move(1, promises)).rejects.toThrow('cut');
    const [left] = await openOnes(servers[0]!);
    expect(() => servers[0]!.context.epochKeys.find(left!).wipe()).not.toThrow();
    const moved = await whole.move(1, promises);
    const locks = await whole.lock(1, moved, promises);
    const yields = await whole.yield(moved, whole.locksOf(1, moved, locks));
    await whole.commit(whole.certify(1, moved, { promises, locks, yields }));
    expect(await openOnes(servers[0]!)).toEqual([]);
    expect(() => servers[0]!.context.epochKeys.find(left!)).toThrow(code('EPOCH_KEY_MISSING'));
  });
});
