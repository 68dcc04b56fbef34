import { type Packet, parsePacket, type SessionView } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { primitives } from '@ckm/gordian';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectOperator, type Operator } from '../../control/connect-operator.js';
import { NOON, person, random } from '../../test/rooms.js';
import { startTestServer, type TestClient, type TestServer } from '../../test/test-server.js';
import { createDkgRoom } from '../dkg/dkg-room.js';
import { createEchoRoom, type EchoOffer, encodeEchoParameters, SECRET_LENGTH } from '../test/echo-room.js';

const alice = person(0xa1);
const SOON = NOON + 600;

let servers: readonly TestServer[];
let callers: readonly TestClient[];
let operators: readonly Operator[];

beforeEach(async () => {
  const rooms = (context: Parameters<typeof createDkgRoom>[0]) => [createDkgRoom(context), createEchoRoom()];
  servers = await Promise.all(
    ['alpha', 'bravo', 'charlie'].map((name) => startTestServer({ settings: { name }, start: { rooms } })),
  );
  callers = await Promise.all(servers.map((server) => server.as(alice).join()));
  operators = servers.map(({ dataDir }) => connectOperator(dataDir));
});
afterEach(async () => {
  for (const server of servers) await server.remove();
});

/** An echo as an untrusted courier carries it, over HTTP as every ceremony. */
function echoOf(length = 64, text = 'hello') {
  const sessionId = random(32);
  const proposal = { kind: 'echo', keyId: random(32), text, length };
  const views: SessionView[] = [];
  const packets = new Map<string, Uint8Array>();
  const held = [0, 0, 0];
  const hear = (at: number, view: SessionView) => {
    views[at] = view;
    held[at]! += view.outbox.length;
    for (const bytes of view.outbox) packets.set(encodeHex(bytes), bytes);
    return view;
  };
  const heldPackets = (): readonly Packet[] => [...packets.values()].map(parsePacket);
  const echo = {
    sessionId,
    views,
    held,
    get packets() {
      return heldPackets();
    },
    propose: async () => {
      for (const [at, caller] of callers.entries()) {
        views[at] = await caller.ask('session.propose', { sessionId, proposal, expiresAt: SOON });
      }
    },
    approve: async () => {
      for (const operator of operators) {
        const { sessions } = await operator.sessions();
        await operator.approveSession(sessions[0]!);
      }
    },
    join: async () => {
      const offers = views.map(({ offer }) => offer as unknown as EchoOffer);
      const parameters = encodeEchoParameters(offers);
      for (const [at, caller] of callers.entries())
        hear(at, await caller.ask('session.join', { sessionId, parameters }));
    },
    /** Brings a server what it may see: what is for everyone, and what is for it alone. */
    deliver: async (at: number, which: readonly Packet[] = heldPackets()): Promise<SessionView> => {
      const told = which.filter(({ from, to }) => from !== at + 1 && (to === 0 || to === at + 1));
      const after = held[at]!;
      const ask = { sessionId, packets: told.map(({ bytes }) => bytes), after };
      return hear(at, await callers[at]!.ask('session.deliver', ask));
    },
    finish: async (): Promise<readonly SessionView[]> => {
      for (let turn = 0; turn < 12 && views.some(({ state }) => state === 'running'); turn++)
        await echo.deliver(turn % 3);
      return views;
    },
  };
  return echo;
}

async function begun(length?: number) {
  const echo = echoOf(length);
  await echo.propose();
  await echo.approve();
  await echo.propose();
  await echo.join();
  return echo;
}

describe('a ceremony that is unlike the making of a key', () => {
  test('waits for its operators, who are shown its sentence; then runs to its end and makes no key', async () => {
    const echo = echoOf();
    await echo.propose();
    expect(echo.views.map(({ state, offer }) => [state, offer])).toEqual([
      ['proposed', null],
      ['proposed', null],
      ['proposed', null],
    ]);
    const { sessions, next } = await operators[0]!.sessions();
    expect(sessions).toMatchObject([{ kind: 'echo', sentence: 'Echo hello.', owner: encodeHex(alice.xid) }]);
    expect(next).toBeNull();
    await echo.approve();
    expect((await operators[0]!.sessions()).sessions).toEqual([]);
    await echo.propose();
    expect(echo.views.map(({ state }) => state)).toEqual(['accepted', 'accepted', 'accepted']);
    await echo.join();
    expect(echo.views.map(({ awaiting }) => awaiting)).toEqual([[2], [1], [1, 2]]);
    await echo.finish();
    expect(echo.views.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    const together = echo.views.map(({ result }) => encodeHex(result!['together'] as Uint8Array));
    expect(new Set(together).size).toBe(1);
    const spoken = echo.packets.map(({ round, from, to }) => `${round}: ${from} to ${to}`).sort();
    expect(spoken).toEqual(['0: 1 to 0', '0: 2 to 0', '1: 2 to 1', '1: 3 to 1', '2: 1 to 0']);
    for (const caller of callers) expect((await caller.ask('key.list', { after: null })).keys).toEqual([]);
    const deeds = (await operators[0]!.audit({})).map(({ deed, verdict }) => `${deed} ${verdict}`);
    expect(deeds).toEqual(
      expect.arrayContaining([
        'session.proposed asked',
        'operator.approve approved',
        'session.finished done',
      ]),
    );
  });

  test('is refused in the words of its room, or by its operator with a reason that reaches the owner', async () => {
    await expect(echoOf(1, 'no').propose()).rejects.toMatchObject({ code: 'ECHO_REFUSED' });
    const echo = echoOf();
    await echo.propose();
    const { sessions } = await operators[0]!.sessions();
    await operators[0]!.rejectSession({ ...sessions[0]!, reason: 'not today', as: 'bob' });
    await echo.propose();
    expect((await operators[0]!.audit({})).at(-1)).toMatchObject({ detail: '“not today” · as bob' });
    expect(echo.views[0]).toMatchObject({ state: 'rejected', reason: 'not today', offer: null });
  });

  test('is not approved as something else than what was looked at, nor twice, nor when it is over', async () => {
    const echo = echoOf();
    await echo.propose();
    const [seen] = (await operators[0]!.sessions()).sessions;
    const other = { ...seen!, proposalHash: '00'.repeat(32) };
    await expect(operators[0]!.approveSession(other)).rejects.toMatchObject({ code: 'SESSION_NOT_AS_SEEN' });
    await operators[0]!.approveSession(seen!);
    await expect(operators[0]!.approveSession(seen!)).rejects.toMatchObject({ code: 'SESSION_NOT_WAITING' });
  });

  test('cannot be joined before the operator has said yes', async () => {
    const echo = echoOf();
    await echo.propose();
    const ask = { sessionId: echo.sessionId, parameters: encodeEchoParameters([]) };
    await expect(callers[0]!.ask('session.join', ask)).rejects.toMatchObject({
      code: 'SESSION_NOT_ACCEPTED',
    });
  });

  test('a kind of ceremony that a server has no room for is refused by name', async () => {
    const proposal = { kind: 'seance', keyId: random(32) };
    const ask = { sessionId: random(32), proposal, expiresAt: SOON };
    await expect(callers[0]!.ask('session.propose', ask)).rejects.toMatchObject({ code: 'CEREMONY_UNKNOWN' });
  });
});

describe('what servers say to one another alone', () => {
  test('stands in no message of the courier and in no packet it holds', async () => {
    const echo = await begun(SECRET_LENGTH);
    await echo.finish();
    const alone = echo.packets.filter(({ to }) => to !== 0);
    expect(alone.map(({ payload }) => payload.length)).toEqual([SECRET_LENGTH + 48, SECRET_LENGTH + 48]);
    // Each secret is known by its hash in round 0 (slot 2): no stretch of the sealed payload hashes to it.
    const [committed] = echo.packets.filter(({ round, from }) => round === 0 && from === 2);
    const found = alone.some(({ payload }) =>
      Array.from({ length: payload.length - SECRET_LENGTH + 1 }, (_, at) =>
        primitives.sha256(payload.subarray(at, at + SECRET_LENGTH)),
      ).some((hash) => encodeHex(hash) === encodeHex(committed!.payload)),
    );
    expect(found).toBe(false);
  });

  test(
    'may be 256 KiB long; a byte more is refused by the room before it leaves',
    { tags: 'slow' },
    async () => {
      const echo = await begun(262_144);
      await echo.finish();
      expect(echo.views.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
      const longest = Math.max(...echo.packets.map(({ bytes }) => bytes.length));
      expect(longest).toBeGreaterThan(262_144);
    },
  );

  test('put into another slot’s hands by the courier is ignored there, and blames nobody', async () => {
    const echo = await begun();
    await echo.deliver(0);
    await echo.deliver(1);
    const toAlpha = echo.packets.filter(({ to }) => to === 1);
    expect(toAlpha.length).toBe(1);
    const packets = toAlpha.map(({ bytes }) => bytes);
    const view = await callers[2]!.ask('session.deliver', { sessionId: echo.sessionId, packets, after: 0 });
    expect([view.state, view.fault]).toEqual(['running', null]);
    await echo.finish();
    expect(echo.views[0]!.state).toBe('finished');
  });

  test('when the courier keeps it back is waited for, and nothing else makes up for it', async () => {
    const echo = await begun();
    for (const at of [1, 2]) await echo.deliver(at);
    const without = echo.packets.filter(({ from, to }) => !(from === 3 && to === 1));
    const view = await echo.deliver(0, without);
    expect([view.state, view.round, view.awaiting]).toEqual(['running', 1, [3]]);
    await echo.finish();
    expect(echo.views[0]!.state).toBe('finished');
  });
});
