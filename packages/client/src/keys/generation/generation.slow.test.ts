import { dkgResult, type Result, type RosterOffer, rosterOffer, type SessionView } from '@ckm/api';
import { encodeHex, StateError } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import {
  type NetworkServer,
  copyStore,
  createOwnedNetwork,
  type Tamper,
  messageOf,
  crashingStore,
  otherWords,
  ownerClient,
  type TestNetwork,
  stranger,
  unreachable,
} from '../../test/test-network.js';
import { hearSteps } from '../../test/told-steps.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

let network: TestNetwork;
let store: ClientStore;
let client: Client;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
});
afterEach(() => network.close());

const reopen = (over: ClientStore = store) => ownerClient(network.send, () => network.now, { store: over });
const openSessions = async (of = client) => (await of.listSessions()).filter(({ state }) => state === 'open');

/** Changes what a server shows of a session, and only from the call of that name on. */
function showing(
  name: string,
  change: (view: SessionView, server: NetworkServer) => SessionView,
): (server: NetworkServer) => void {
  return (server) => {
    server.tamper = async (asked, honest) => {
      const result = await honest();
      return asked.name === name ? change(result as SessionView, server) : result;
    };
  };
}

const changeLast = (view: SessionView, change: (bytes: Uint8Array) => Uint8Array): SessionView => ({
  ...view,
  outbox: view.outbox.map((bytes, i) => (i === view.outbox.length - 1 ? change(bytes) : bytes)),
});

describe('a key', () => {
  test('is made, checked from scratch, shown by every server, and usable at once', async () => {
    const steps = hearSteps('making');
    const key = await client.createKey(KEY, steps.on);
    expect(key.record.acknowledged).toEqual([1, 2, 3]);
    expect((await client.verifyKey('k')).isSound).toBe(true);
    steps.expectAll();
    // On a busy machine an honest server may answer late: that is no second attempt for somebody so patient.
    const patient = ownerClient(network.send, () => network.now, { store, timeoutMs: 30_000 });
    expect((await patient.sign({ key: 'k', ...messageOf('first') })).attempts).toBe(1);
    await patient.close();
    expect(await openSessions()).toEqual([]);
  });

  test.each([
    ['a quorum of 4 of 3', { quorum: { needed: 4, of: 3 } }, 'QUORUM_INVALID'],
    ['a quorum of one', { quorum: { needed: 1, of: 3 } }, 'QUORUM_INVALID'],
    ['fewer servers than the quorum says', { servers: ['alpha', 'bravo'] }, 'QUORUM_SERVERS_MISMATCH'],
    ['one server twice', { servers: ['alpha', 'bravo', 'alpha'] }, 'SERVERS_NOT_DISTINCT'],
    ['a server nobody knows', { servers: ['alpha', 'bravo', 'zulu'] }, 'SERVER_UNKNOWN'],
    ['a purpose nobody knows', { purpose: 'poetry' as 'ssh' }, 'PURPOSE_UNKNOWN'],
    ['a suite that does not fit', { purpose: 'ssh', suite: 'P-256' }, 'PURPOSE_SUITE_MISMATCH'],
    ['leave to export what has children', { purpose: 'bitcoin', exportable: true }, 'PURPOSE_NEEDS_CHILDREN'],
    ['an invalid name', { name: '../k' }, 'NAME_INVALID'],
    ['a policy for another purpose', { policy: { kinds: ['bitcoin'] } }, 'POLICY_INVALID'],
    ['an invalid policy', { policy: { rateLimit: { count: 0, perSeconds: 1 } } }, 'POLICY_INVALID'],
    ['a network it has no use for', { network: 'regtest' }, 'PURPOSE_SUITE_MISMATCH'],
  ] as const)('with %s is refused before anything is sent or written', async (_what, change, code) => {
    const before = network.servers.map(({ asked }) => asked.length);
    await expect(client.createKey({ ...KEY, ...change } as never)).rejects.toMatchObject({ code });
    expect(network.servers.map(({ asked }) => asked.length)).toEqual(before);
    expect(await store.list('sessions')).toEqual([]);
  });

  test.each([
    [{ rateLimit: { count: 0, perSeconds: 1 } }, 'a rate is 1 to 1,000,000 requests in 1 second to 365 days'],
    [
      { rateLimit: { count: 1, perSeconds: 1e9 } },
      'a rate is 1 to 1,000,000 requests in 1 second to 365 days',
    ],
    [{ kinds: [] }, 'it has to name 1 to 16 kinds of request'],
    [{ kinds: [''] }, 'it has to name 1 to 16 kinds of request'],
    [{ expiresAt: -1 }, 'its end is not a moment in time'],
    [{ mood: 'good' }, 'it has a field that no policy has'],
  ])('with the policy %j says what a policy has to be, in words of this network', async (policy, why) => {
    await expect(client.createKey({ ...KEY, policy } as never)).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      message: `the policy cannot be used: ${why}`,
    });
  });

  test('does not take the name of another, made or in the making', { tags: 'slow' }, async () => {
    await client.createKey(KEY);
    await expect(client.createKey(KEY)).rejects.toMatchObject({ code: 'KEY_EXISTS' });
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    const next = { ...KEY, name: 'next' };
    await expect(client.createKey(next)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    await expect(client.createKey(next)).rejects.toMatchObject({ code: 'KEY_EXISTS' });
  });

  test('is not made twice under one name by two clients at once', async () => {
    const both = await Promise.allSettled([client.createKey(KEY), reopen().createKey(KEY)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'KEY_EXISTS' },
    });
    expect(await client.listSessions()).toHaveLength(1);
  });

  test(
    'in the making does not take the place of another that came there meanwhile',
    { tags: 'slow' },
    async () => {
      await client.createKey(KEY);
      const other = await store.get('keys/k');
      await store.delete('keys/k');
      network.server('bravo').tamper = async ({ name }, honest) =>
        name === 'session.join' ? Promise.reject(unreachable('bravo')) : honest();
      await expect(client.createKey(KEY)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
      network.makeHonest();
      await store.put('keys/k', other!);
      const [session] = await openSessions();
      await expect(client.resumeSession(encodeHex(session!.sessionId))).rejects.toMatchObject({
        code: 'KEY_EXISTS',
      });
      expect(await store.get('keys/k')).toEqual(other);
    },
  );

  test('whose stored record was changed is not used', async () => {
    await client.createKey(KEY);
    const bytes = (await store.get('keys/k'))!;
    for (let i = 45; i < bytes.length; i += 97) {
      const changed = await copyStore(store);
      await changed.put(
        'keys/k',
        bytes.map((byte, at) => (at === i ? byte ^ 1 : byte)),
      );
      const again = reopen(changed);
      await expect(again.showKey('k')).rejects.toMatchObject({ code: 'RECORD_ALTERED' });
      await again.close();
    }
  });
});

function offerIn({ offer }: SessionView): RosterOffer {
  return rosterOffer.parse(offer);
}

describe('a server in the adversary’s hands, while a key is made', () => {
  test.each<[string, (server: NetworkServer) => void, string]>([
    [
      'offers another identity',
      showing('session.propose', (view) => ({
        ...view,
        offer: { ...offerIn(view), identityKey: new Uint8Array(32).fill(1) },
      })),
      'FAULT_OFFER_INVALID',
    ],
    [
      'offers another’s id',
      showing('session.propose', (view) => ({
        ...view,
        offer: { ...offerIn(view), serverId: new Uint8Array(32) },
      })),
      'FAULT_OFFER_INVALID',
    ],
    [
      'offers a static key it cannot use',
      showing('session.propose', (view) => ({
        ...view,
        offer: { ...offerIn(view), staticProof: new Uint8Array(64) },
      })),
      'FAULT_ROSTER',
    ],
    [
      'sends garbage for a packet',
      showing('session.join', (view) => ({ ...view, outbox: [new Uint8Array(5)] })),
      'FAULT_PACKET_INVALID',
    ],
    [
      'sends a packet somebody else signed',
      showing('session.join', (view) =>
        changeLast(view, (bytes) => otherWords({ identity: stranger() } as NetworkServer, bytes, () => ({}))),
      ),
      'FAULT_PACKET_INVALID',
    ],
    [
      'speaks for another slot',
      showing('session.join', (view, server) =>
        changeLast(view, (bytes) => otherWords(server, bytes, () => ({ from: 1 }))),
      ),
      'FAULT_PACKET_INVALID',
    ],
    [
      'speaks in another round',
      showing('session.join', (view, server) =>
        changeLast(view, (bytes) => otherWords(server, bytes, () => ({ round: 2 }))),
      ),
      'FAULT_PACKET_INVALID',
    ],
    [
      'speaks of another session',
      showing('session.join', (view, server) =>
        changeLast(view, (bytes) => otherWords(server, bytes, () => ({ sessionId: new Uint8Array(32) }))),
      ),
      'FAULT_PACKET_INVALID',
    ],
    [
      'answers what nobody said',
      showing('session.deliver', (view, server) =>
        changeLast(view, (bytes) =>
          otherWords(server, bytes, () => ({ previous: new Uint8Array(32).fill(9) })),
        ),
      ),
      'FAULT_PACKET_INVALID',
    ],
    [
      'says two things in one round',
      showing('session.deliver', (view, server) => ({
        ...view,
        outbox: view.outbox.flatMap((bytes) => [
          bytes,
          otherWords(server, bytes, () => ({ payload: new Uint8Array(3) })),
        ]),
      })),
      'FAULT_EQUIVOCATION',
    ],
  ])('that %s is named, and no key comes out', async (_what, bend, code) => {
    bend(network.server('bravo'));
    await expect(client.createKey(KEY)).rejects.toMatchObject({
      errorClass: 'PeerFaultError',
      code,
      message: expect.stringContaining('bravo'),
      facts: { servers: ['bravo'] },
    });
    expect(await client.listKeys()).toEqual([]);
    expect(await client.listSessions()).toMatchObject([{ state: 'failed' }]);
    expect((await store.list('evidence')).length).toBe(code === 'FAULT_EQUIVOCATION' ? 1 : 0);
  });

  test.each<[string, (result: Result<'key.certify'>) => Result<'key.certify'>, string]>([
    [
      'acknowledges another certificate',
      (result) => ({ ...result, transcriptHash: new Uint8Array(32) }),
      'FAULT_CERTIFICATE_DIFFERS',
    ],
    [
      'signs its acknowledgement wrongly',
      (result) => ({ ...result, acknowledgement: new Uint8Array(64) }),
      'FAULT_ACKNOWLEDGEMENT_INVALID',
    ],
  ])('that %s is named, and the key is not used', async (_what, change, code) => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      const result = await honest();
      const view = result as SessionView;
      return name === 'session.deliver' && view.result !== null
        ? { ...view, result: change(dkgResult.parse(view.result)) }
        : result;
    };
    await expect(client.createKey(KEY)).rejects.toMatchObject({ code, facts: { servers: ['bravo'] } });
    expect(await client.listKeys()).toEqual([]);
    // Every server has signed the key: it may come to life years later, so the session stays.
    expect(await openSessions()).toHaveLength(1);
    network.makeHonest();
    const [session] = await openSessions();
    await client.resumeSession(encodeHex(session!.sessionId));
    expect((await client.verifyKey('k')).isSound).toBe(true);
  });

  test('that refuses to take part is quoted', async () => {
    showing('session.propose', (view) => ({
      ...view,
      state: 'rejected',
      offer: null,
      reason: 'not for bitcoin',
    }))(network.server('charlie'));
    await expect(client.createKey(KEY)).rejects.toMatchObject({
      code: 'SESSION_REJECTED',
      exitCode: 77,
      message: 'charlie does not take part: not for bitcoin',
    });
  });
});

describe('V22: a ceremony that is interrupted', () => {
  test('by a silent server waits for it and then goes on', { tags: 'slow' }, async () => {
    for (const name of ['session.propose', 'session.join', 'session.deliver'] as const) {
      const key = { ...KEY, name: name.replace('.', '-') };
      const mute: Tamper = async (asked, honest) =>
        asked.name === name ? Promise.reject(unreachable('bravo')) : honest();
      network.server('bravo').tamper = mute;
      await expect(client.createKey(key)).rejects.toMatchObject({
        code: 'SERVERS_MISSING',
        exitCode: 69,
        facts: { servers: ['bravo'] },
        remedy: { kind: 'resumeSession', id: expect.stringMatching(/^[0-9a-f]{8}$/) },
      });
      network.makeHonest();
      const [session] = await openSessions();
      await client.resumeSession(encodeHex(session!.sessionId).slice(0, 8));
      expect((await client.verifyKey(key.name)).isSound).toBe(true);
    }
  });

  test('by a refusal that a repetition may cure stays open', async () => {
    network.server('bravo').tamper = async ({ name }, honest) => {
      if (name !== 'session.join') return honest();
      throw new StateError('a message expired 3 s ago', { code: 'MESSAGE_EXPIRED', hint: 'send it again' });
    };
    await expect(client.createKey(KEY)).rejects.toMatchObject({ code: 'MESSAGE_EXPIRED' });
    network.makeHonest();
    const [session] = await openSessions();
    await client.resumeSession(encodeHex(session!.sessionId));
    expect((await client.verifyKey('k')).isSound).toBe(true);
  });

  test(
    'by the death of the client between any two things it writes is resumed by the next',
    { tags: 'slow' },
    async () => {
      const base = await copyStore(store);
      for (let crashAt = 0; ; crashAt++) {
        const disk = await copyStore(base);
        const crashing = crashingStore(disk);
        crashing.crashAt = crashAt;
        const first = reopen(crashing);
        const died = await first.createKey({ ...KEY, name: `k${crashAt}` }).then(
          () => false,
          (error: Error) => error.message === 'the process is dead',
        );
        if (!died) {
          expect(crashAt).toBeGreaterThan(5);
          break;
        }
        const second = reopen(disk);
        for (const { sessionId, state } of await second.listSessions()) {
          if (state === 'open') await second.resumeSession(encodeHex(sessionId));
        }
        // Dead before the first thing was written means that nothing was begun.
        const made = await second.listKeys();
        expect(made).toHaveLength(crashAt === 0 ? 0 : 1);
        if (crashAt > 0) expect((await second.verifyKey(`k${crashAt}`)).isSound).toBe(true);
        await second.close();
      }
    },
  );

  test('by the restart of any server between any two messages goes on by itself', async () => {
    let messages = 0;
    const restartAt = new Set([2, 5, 8, 11, 14]);
    for (const server of network.servers) {
      server.wire = async (request, pass) => {
        if (request.method === 'POST' && restartAt.has(++messages)) await server.restart();
        return pass();
      };
    }
    await client.createKey(KEY);
    expect(messages).toBeGreaterThan(14);
    expect((await client.verifyKey('k')).isSound).toBe(true);
  });

  test('given up by its owner ends on every server', { tags: 'slow' }, async () => {
    network.server('bravo').tamper = async ({ name }, honest) =>
      name === 'session.join' ? Promise.reject(unreachable('bravo')) : honest();
    await client.createKey(KEY).catch(() => undefined);
    network.makeHonest();
    const [session] = await openSessions();
    await client.cancelSession(encodeHex(session!.sessionId), 'changed my mind');
    expect(network.servers.every(({ asked }) => asked.includes('session.cancel'))).toBe(true);
    await expect(client.resumeSession(encodeHex(session!.sessionId))).rejects.toMatchObject({
      code: 'SESSION_OVER',
    });
    await client.createKey(KEY);
  });

  test(
    'after every server has signed is not given up by the way, and ends with the key',
    { tags: 'slow' },
    async () => {
      network.server('bravo').tamper = async ({ name }, honest) => {
        const view = (await honest()) as SessionView;
        if (name === 'session.deliver' && view.result !== null) throw unreachable('bravo');
        return view;
      };
      await expect(client.createKey(KEY)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
      await expect(client.sign({ key: 'k', ...messageOf('too early') })).rejects.toMatchObject({
        code: 'KEY_NOT_USABLE',
      });
      // Nobody is given an address or public key to send value to, or asked for a yes in vain.
      await expect(client.usableKey('k')).rejects.toMatchObject({ code: 'KEY_NOT_USABLE', exitCode: 75 });
      await expect(client.prepare({ key: 'k', ...messageOf('too early') })).rejects.toMatchObject({
        code: 'KEY_NOT_USABLE',
      });
      expect((await client.showKey('k')).isComplete).toBe(false);
      const [session] = await openSessions();
      for (const options of [{}, { forget: 'other' }]) {
        const cancelled = client.cancelSession(encodeHex(session!.sessionId), 'no', options);
        await expect(cancelled).rejects.toMatchObject({
          code: 'KEY_HELD',
          facts: { servers: ['alpha', 'charlie'] },
        });
      }
      network.makeHonest();
      // Years later: the session has expired on the servers, the certificate speaks for itself.
      network.now += 10 * 365 * 86_400;
      await client.resumeSession(encodeHex(session!.sessionId));
      expect((await client.usableKey('k')).isComplete).toBe(true);
      expect((await client.sign({ key: 'k', ...messageOf('in time') })).signers).toHaveLength(2);
    },
  );
});
