import { type Parameters, parsePacket, type SessionView } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createEchoRoom } from '@ckm/server/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpCarrier } from '../carrier/http-carrier.js';
import { type ClientContext, createContext } from '../context/context.js';
import type { ProgressEvent } from '../progress/progress.js';
import { listServerRecords } from '../servers/servers.js';
import { memoryStore } from '../store/memory-store.js';
import { type Echo, echoCeremony } from '../test/echo-ceremony.js';
import { approveSessions } from '../test/operators.js';
import {
  copyStore,
  createTestNetwork,
  crashingStore,
  OWNER_SEED,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';
import { describeSession } from './describe-session.js';
import { abandonSession, ceremonyOf, newSession, runSession } from './run-session.js';
import type { SessionRecord } from './session-record.js';
import { findSession, listSessions, saveSession } from './sessions.js';

let network: TestNetwork;
let context: ClientContext;
let store = memoryStore();

/** The owner's means over a store, as a client has them. */
function contextOver(over: typeof store): ClientContext {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const clock = () => network.now;
  const means = {
    carrier: httpCarrier(network.send),
    clock,
    random,
    timeoutMs: 400,
    patienceMs: 250,
    keepDevice: () => Promise.resolve(),
  };
  return createContext(means, over, secret(OWNER_SEED.slice()));
}

beforeEach(async () => {
  network = await createTestNetwork(3, { rooms: () => [createEchoRoom()] });
  store = memoryStore();
  await network.owner({ store });
  context = contextOver(store);
});
afterEach(() => network.close());

async function begin(text = 'hello', length = 64): Promise<SessionRecord> {
  const session = newSession(context, {
    proposal: { kind: 'echo', keyId: context.random(32), text, length },
    servers: await listServerRecords(context.store),
    keyName: 'none',
    notes: { mood: 'good' },
    lifetimeSeconds: 600,
  });
  await saveSession(context.store, session);
  return session;
}

const approve = () => approveSessions(network);

const stored = (session: SessionRecord, of = context) =>
  findSession(of.store, Buffer.from(session.sessionId).toString('hex'));

const resume = async (
  session: SessionRecord,
  of = context,
  on = (_event: ProgressEvent) => {},
): Promise<Echo> => runSession(of, echoCeremony, await stored(session, of), on);

/** Proposed to everybody, and approved by every operator. */
async function approved(text?: string, length?: number): Promise<SessionRecord> {
  const session = await begin(text, length);
  await expect(resume(session)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
  await approve();
  return session;
}

describe('a ceremony that is unlike the making of a key, carried by the code that carries all of them', () => {
  test('waits for the operators, goes on when they have said yes, and ends with what it is for', async () => {
    const session = await begin();
    await expect(resume(session)).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      facts: { servers: ['alpha', 'bravo', 'charlie'] },
    });
    expect((await stored(session)).state).toBe('open');
    await approve();
    const events: ProgressEvent[] = [];
    const { kind, together } = await resume(session, context, (event) => events.push(event));
    expect([kind, together.length]).toEqual(['echo', 32]);
    expect(new Set(events.map(({ stage: at, text }) => `${at}: ${text}`))).toEqual(
      new Set([
        'propose: asking for offers',
        'join: committing',
        'exchange: telling one of us',
        'exchange: telling all',
        'conclude: hearing the echo',
      ]),
    );
    const done = await stored(session);
    expect(done).toMatchObject({ state: 'finished', notes: { mood: 'good' } });
    const places = done.packets.map(parsePacket).map(({ round, from, to }) => `${round}: ${from} to ${to}`);
    expect(places).toEqual(['0: 1 to 0', '0: 2 to 0', '1: 2 to 1', '1: 3 to 1', '2: 1 to 0']);
    expect(describeSession([echoCeremony], done)).toEqual({
      title: 'echoing hello',
      details: [
        ['Text', 'hello'],
        ['With', 'alpha, bravo, charlie'],
        ['Step', '5 of 5'],
      ],
    });
  });

  test('brings what one server says to another alone to nobody else', { tags: 'slow' }, async () => {
    const session = await approved();
    const heard: string[] = [];
    for (const server of network.servers) {
      server.tamper = async ({ name, parameters }, honest) => {
        if (name === 'session.deliver') {
          const { packets } = parameters as { packets: Uint8Array[] };
          for (const { round, to, from } of packets.map(parsePacket))
            heard.push(`${server.name}, ${round}: ${from} to ${to}`);
        }
        return honest();
      };
    }
    await resume(session);
    expect(heard.filter((one) => !one.endsWith('to 0')).sort()).toEqual([
      'alpha, 1: 2 to 1',
      'alpha, 1: 3 to 1',
    ]);
    expect(heard.toSorted()).toEqual([...new Set(heard)].toSorted());
  });

  test('takes packets of 256 KiB, page by page', { tags: 'slow' }, async () => {
    const session = await approved('long', 262_144);
    expect((await resume(session)).together).toHaveLength(32);
  });

  test(
    'goes on from wherever the death of the client, at any write, has left it',
    { tags: 'slow' },
    async () => {
      const session = await approved();
      const base = await copyStore(store);
      const echoes: string[] = [];
      for (let crashAt = 0; crashAt <= 5; crashAt++) {
        const disk = await copyStore(base);
        const crashing = crashingStore(disk);
        crashing.crashAt = crashAt;
        const first = await resume(session, contextOver(crashing)).catch((error: Error) => error.message);
        if (typeof first === 'string') expect(first).toBe('the process is dead');
        const last = typeof first === 'string' ? await resume(session, contextOver(disk)) : first;
        echoes.push(Buffer.from(last.together).toString('hex'));
      }
      expect(new Set(echoes).size).toBe(1);
    },
  );

  test('goes on when servers restart between any two messages', { tags: 'slow' }, async () => {
    const session = await approved();
    let messages = 0;
    for (const server of network.servers) {
      server.wire = async (request, pass) => {
        if (++messages % 3 === 0) await server.restart();
        return pass();
      };
    }
    expect((await resume(session)).together).toHaveLength(32);
  });

  test('is over when an operator says no, in his words', async () => {
    const session = await begin();
    await expect(resume(session)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    const { sessionDesk } = network.server('bravo').bare.sessions;
    await sessionDesk.reject((await sessionDesk.list()).sessions[0]!, 'not today');
    await expect(resume(session)).rejects.toMatchObject({
      code: 'SESSION_REJECTED',
      message: 'bravo does not take part: not today',
    });
    expect((await stored(session)).state).toBe('failed');
  });

  test('is given up here and on every server', { tags: 'slow' }, async () => {
    const session = await approved();
    network.server('charlie').tamper = ({ name }, honest) =>
      name === 'session.join' ? Promise.reject(unreachable('charlie')) : honest();
    await expect(resume(session)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const how = { reason: 'enough', named: null };
    await abandonSession(context, echoCeremony, await stored(session), how);
    expect((await listSessions(context.store)).map(({ state }) => state)).toEqual(['cancelled']);
    expect(network.servers.every(({ asked }) => asked.includes('session.cancel'))).toBe(true);
  });

  test('that this version does not know is still listed, and says that it cannot be gone on with', async () => {
    const session = await begin();
    expect(describeSession([], session).title).toBe('echo with none');
    expect(() => ceremonyOf([], session)).toThrow(expect.objectContaining({ code: 'CEREMONY_UNKNOWN' }));
  });
});

describe('a server of such a ceremony in the adversary’s hands', () => {
  const lying = (name: string, change: (view: SessionView) => SessionView) => {
    network.server(name).tamper = async (_asked, honest) => {
      const result = await honest();
      return (result as { outbox?: unknown }).outbox === undefined ? result : change(result as SessionView);
    };
  };

  test(
    'that says there is always another page does not keep the client asking',
    { tags: 'slow' },
    async () => {
      const session = await approved();
      lying('bravo', (view) => ({ ...view, next: 1_000 }));
      expect((await resume(session)).together).toHaveLength(32);
      const shows = network.server('bravo').asked.filter((name) => name === 'session.show');
      expect(shows.length).toBeLessThan(10);
    },
  );

  test('that tells one of us alone what it was to tell nobody is named', async () => {
    const session = await approved();
    const { servers } = network;
    lying('alpha', (view) => ({ ...view, outbox: servers[0]!.asked.length > 0 ? [new Uint8Array(9)] : [] }));
    await expect(resume(session)).rejects.toMatchObject({
      code: 'FAULT_PACKET_INVALID',
      facts: { servers: ['alpha'] },
    });
  });

  test('that has forgotten what it was brought is brought it again', { tags: 'slow' }, async () => {
    const session = await approved();
    const alpha = network.server('alpha');
    let dropped = 0;
    alpha.tamper = async ({ name, parameters, caller }, honest) => {
      if (name !== 'session.deliver' || ++dropped > 1) return honest();
      const { sessionId, after } = parameters as Parameters<'session.deliver'>;
      return caller.call('session.show', { sessionId, after });
    };
    expect((await resume(session)).together).toHaveLength(32);
  });
});
