import {
  type PacketBody,
  type PacketHeader,
  parsePacket,
  previousHash,
  runIdOf,
  sealPayload,
  type SessionView,
  signPacket,
  verifyPacket,
} from '@ckm/api';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';
import { type BareCaller, type BareOptions, type BareServer, testPerson } from '../test/bare-server.js';
import { alice, createBareServers, mallory, SOON } from '../test/bare-servers.js';
import { createEchoRoom, type EchoOffer, encodeEchoParameters, SECRET_LENGTH } from '../test/echo-room.js';

const network = createBareServers();
afterEach(() => network.close());

/** Slot 3 is in the adversary's hands: it has an identity, and says whatever it likes. */
const rogue = testPerson(0x66);
const fresh = (length: number) => new Uint8Array(randomBytes(length));
const rooms = () => [createEchoRoom()];

interface Run {
  readonly servers: readonly BareServer[];
  readonly callers: readonly BareCaller[];
  readonly sessionId: Uint8Array;
  readonly offers: readonly EchoOffer[];
  /** What a packet of the rogue names by right. */
  readonly header: PacketHeader;
  /** The echo that an honest slot 3 would sign. */
  readonly echo: Uint8Array;
}

/** Alpha and bravo have spoken in round 0; alpha waits for what slots 2 and 3 tell it alone. */
async function begin(options: Partial<BareOptions> = {}): Promise<Run> {
  const { servers, callers } = await network.openMany(2, { rooms, ...options });
  const [sessionId, keyId] = [fresh(32), fresh(32)];
  const proposal = { kind: 'echo', keyId, text: 'hello', length: SECRET_LENGTH };
  for (const [at, caller] of callers.entries()) {
    await caller.call('session.propose', { sessionId, proposal, expiresAt: SOON });
    await approve(servers[at]!);
  }
  const offers: EchoOffer[] = [];
  for (const caller of callers) {
    const view = await caller.call('session.propose', { sessionId, proposal, expiresAt: SOON });
    offers.push(view.offer as unknown as EchoOffer);
  }
  const { signing, agreement } = rogue.publicKeys;
  offers.push({ identityKey: signing.bytes, sealingKey: agreement });
  const parameters = encodeEchoParameters(offers);
  const views: SessionView[] = [];
  for (const caller of callers) views.push(await caller.call('session.join', { sessionId, parameters }));
  const told = views.flatMap(({ outbox }) => outbox).map(parsePacket);
  const packets = told.map(({ bytes }) => bytes);
  for (const caller of callers) await caller.call('session.deliver', { sessionId, packets, after: 0 });
  const protocol = 'ckm/echo/v1';
  const run = runIdOf(sessionId, parameters);
  const header = { protocol, keyId, epoch: 7, sessionId: run, round: 1, from: 3, to: 1 };
  return { servers, callers, sessionId, offers, header, echo: previousHash(told) };
}

async function approve({ sessions }: BareServer): Promise<void> {
  const { sessions: waiting } = await sessions.sessionDesk.list();
  await sessions.sessionDesk.approve(waiting[0]!);
}

function say({ header, echo }: Run, payload: Uint8Array, change: Partial<PacketBody> = {}): Uint8Array {
  return signPacket(rogue, { ...header, previous: echo, payload, ...change });
}

const secretly = (run: Run, payload: Uint8Array, to = 1) =>
  sealPayload(rogue, run.offers[to - 1]!.sealingKey, run.header, payload);

const deliver = ({ callers, sessionId }: Run, ...packets: Uint8Array[]) =>
  callers[0]!.call('session.deliver', { sessionId, packets, after: 0 });

/** Brings alpha what bravo has to tell it, so that only the rogue is missing. */
async function bringBravo(run: Run): Promise<void> {
  const { outbox } = await run.callers[1]!.call('session.show', { sessionId: run.sessionId, after: 0 });
  await deliver(run, ...outbox);
}

describe('a server of a ceremony in the adversary’s hands', () => {
  test.each<[string, (run: Run) => Uint8Array]>([
    ['seals nothing but noise', (run) => say(run, fresh(80))],
    ['seals to another server', (run) => say(run, secretly(run, fresh(32), 2))],
    ['seals what is not of its form', (run) => say(run, secretly(run, new Uint8Array(0)))],
    [
      'takes the seal of another round',
      (run) =>
        say(run, sealPayload(rogue, run.offers[0]!.sealingKey, { ...run.header, round: 0 }, fresh(32))),
    ],
  ])('that %s is suspected by its receiver, and convicted by nobody', async (_what, make) => {
    const run = await begin();
    await bringBravo(run);
    const view = await deliver(run, make(run));
    expect(view).toMatchObject({
      state: 'aborted',
      fault: { code: 'SUSPECT_SEALED_PAYLOAD', round: 1, culprits: [3] },
    });
  });

  test('that tells its receiver two things is convicted by both, which anybody can check', async () => {
    const run = await begin();
    const [first, second] = [fresh(32), fresh(32)].map((payload) => say(run, secretly(run, payload)));
    await deliver(run, first!);
    const view = await deliver(run, second!);
    expect(view.fault).toEqual({ code: 'FAULT_EQUIVOCATION', round: 1, culprits: [3] });
    const { storage, vault } = run.servers[0]!.context;
    const rows = await storage.read(({ evidence }) => evidence.list(alice.xid, run.sessionId));
    const kept = rows.map((row) =>
      openRecord<{ first: Uint8Array; second: Uint8Array }>(vault, 'session_evidence', row),
    );
    expect(kept.map((one) => [one.first, one.second])).toEqual([[first, second]]);
    for (const bytes of [first!, second!])
      expect(verifyPacket(parsePacket(bytes), rogue.publicKeys.signing.bytes)).toBe(true);
  });

  test('that heard other packets, or says so, ends the session and nobody is blamed', async () => {
    const run = await begin();
    await bringBravo(run);
    const view = await deliver(run, say(run, secretly(run, fresh(32)), { previous: fresh(32) }));
    expect(view.fault).toEqual({ code: 'RETRY_VIEWS_DIFFER', round: 1, culprits: [] });
  });

  test('that speaks where the room lets it say nothing is ignored, and changes no echo', async () => {
    const run = await begin();
    const early = say(run, fresh(32), { round: 0, to: 0, previous: new Uint8Array(32) });
    const late = say(run, fresh(32), { round: 2, to: 0 });
    const toBravo = say(run, fresh(80), { to: 2 });
    expect(await deliver(run, early, late, toBravo)).toMatchObject({ state: 'running', fault: null });
    await bringBravo(run);
    expect((await deliver(run, say(run, secretly(run, fresh(32))))).state).toBe('finished');
  });
});

describe('a courier', () => {
  test('that brings packets of another run, key, epoch or sender convicts nobody', async () => {
    const run = await begin();
    const honest = secretly(run, fresh(32));
    const others = [
      { sessionId: fresh(32) },
      { keyId: fresh(32) },
      { epoch: 8 },
      { from: 2 },
      { round: 9 },
    ].map((change) => say(run, honest, change));
    expect(await deliver(run, ...others)).toMatchObject({ state: 'running', fault: null });
    await bringBravo(run);
    expect((await deliver(run, say(run, honest))).state).toBe('finished');
  });

  test('who is a stranger with an account sees nothing of it, and cannot end it', async () => {
    const run = await begin();
    const stranger = await run.servers[0]!.as(mallory);
    const { sessionId } = run;
    for (const attempt of [
      stranger.call('session.show', { sessionId, after: 0 }),
      stranger.call('session.deliver', { sessionId, packets: [say(run, fresh(80))], after: 0 }),
      stranger.call('session.cancel', { sessionId, reason: 'mine' }),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  });
});

describe('what a cheap message costs', () => {
  test('a look, and packets that are known already, read no packet out of the database', async () => {
    const reads: string[] = [];
    const run = await begin({ wrap: (storage) => watched(storage, reads) });
    const own = (await run.callers[0]!.call('session.show', { sessionId: run.sessionId, after: 0 })).outbox;
    const { outbox } = await run.callers[1]!.call('session.show', { sessionId: run.sessionId, after: 0 });
    await deliver(run, ...outbox);
    reads.length = 0;
    const { sessionId } = run;
    const after = own.length;
    await run.callers[0]!.call('session.show', { sessionId, after });
    await run.callers[0]!.call('session.deliver', { sessionId, packets: [], after });
    await run.callers[0]!.call('session.deliver', { sessionId, packets: [...own, ...outbox], after });
    expect(reads).toEqual([]);
  });
});

test('short packets that nobody signed are counted by what each costs, not by their bytes, and run out', async () => {
  const run = await begin({ settings: { quota: { costPerMinute: 1_000 } } });
  const forged = Array.from({ length: 64 }, () => say(run, fresh(8), { from: 2 }));
  const bytes = forged.reduce((sum, { length }) => sum + length, 0);
  expect(bytes).toBeLessThan(65_536);
  let answered = 0;
  const flood = async () => {
    for (; answered < 1_000; answered++) await deliver(run, ...forged);
  };
  await expect(flood()).rejects.toMatchObject({ code: 'QUOTA_COST' });
  expect(answered).toBeLessThan(50);
  // Whoever else has an account there is not in the way of it.
  const stranger = await run.servers[0]!.as(mallory);
  expect((await stranger.call('key.list', { after: null })).keys).toEqual([]);
});

/** A storage that notes whenever packets are read. */
function watched(storage: Storage, reads: string[]): Storage {
  const noting = <R extends { packets: object }>(reader: R): R => ({
    ...reader,
    packets: new Proxy(reader.packets, {
      get: (target, name) => {
        if (name === 'find' || name === 'list') reads.push(name);
        return Reflect.get(target, name) as unknown;
      },
    }),
  });
  return {
    ...storage,
    read: (work) => storage.read((reader) => work(noting(reader))),
    transact: (work) => storage.transact((transaction) => work(noting(transaction))),
  };
}
