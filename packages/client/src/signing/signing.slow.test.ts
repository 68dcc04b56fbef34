import { once } from 'node:events';
import { decodeData } from '@ckm/gordian';
import { commitmentsIn, unpackCommitments, type Parameters, type Result } from '@ckm/api';
import { encodeHex, PolicyError, StateError } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Client, ClientOptions } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import type { ProgressEvent } from '../progress/progress.js';
import { POOL_FOLDER } from './crafts/commitment-pool.js';
import { memoryStore } from '../store/memory-store.js';
import {
  type NetworkServer,
  copyStore,
  createTestNetwork,
  giving,
  type Tamper,
  messageOf,
  ownerClient,
  recordsOf,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

type Reply = Result<'request.ask'>;

let network: TestNetwork;
let stored: ClientStore;
let store: ClientStore;
let client: Client;

/** Servers and a key, once for a group of tests; each test gets a client of its own. */
function withKey(settings: object = {}): void {
  beforeAll(async () => {
    network = await createTestNetwork(3, { settings });
    stored = memoryStore();
    const owner = await network.owner({ store: stored });
    const servers = network.servers.map(({ name }) => name);
    await owner.createKey({ name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
  });
  beforeEach(async () => {
    network.makeHonest();
    store = await copyStore(stored);
    client = reopen();
  });
  afterEach(() => client.close());
  afterAll(() => network.close());
}

const reopen = (options: Partial<ClientOptions> = {}) =>
  ownerClient(network.send, () => network.now, { store, ...options });

/** Changes what a server answers to `request.ask`. */
function lying(change: (reply: Reply, asked: Parameters<'request.ask'>) => Reply): Tamper {
  return async ({ name, parameters }, honest) => {
    const result = await honest();
    return name === 'request.ask' ? change(result as Reply, parameters as Parameters<'request.ask'>) : result;
  };
}

/** The reply with other shares in it. */
function answering(reply: Reply, change: (shares: readonly Uint8Array[]) => Uint8Array[]): Reply {
  return reply.answer?.craft !== 'frost'
    ? reply
    : { ...reply, answer: { craft: 'frost', shares: change(reply.answer.shares) } };
}

const wrongShare: Tamper = lying((reply) =>
  answering(reply, (shares) => shares.map((share) => share.map((byte, i) => (i === 3 ? byte ^ 1 : byte)))),
);

/** Every text and byte string in what a server was sent. */
function everythingIn(part: unknown): Buffer[] {
  if (typeof part === 'string' || part instanceof Uint8Array) return [Buffer.from(part)];
  return typeof part === 'object' && part !== null ? Object.entries(part).flat().flatMap(everythingIn) : [];
}

const sign = (text: string, more: object = {}) => client.sign({ key: 'k', ...messageOf(text), ...more });
function createGate() {
  let open = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  return { isOpen, open };
}
const requestsOf = (server: NetworkServer) => server.asked.filter((name) => name === 'request.ask').length;

describe('a signature', () => {
  withKey();

  test('that its owner leaves is kept: it can be gone on with, and a signature that comes too late is not lost', async () => {
    const leaving = new AbortController();
    const asked = await client.prepare({ key: 'k', ...messageOf('left') });
    const ids: string[] = [];
    await asked.sign(
      ({ id }) => {
        ids.push(id);
        leaving.abort();
      },
      { left: leaving.signal },
    );
    expect(await client.showRequest(ids[0]!)).toMatchObject({ state: 'finished' });
  });

  test('costs one round trip at each of a quorum of servers when the pool is warm', async () => {
    await client.close();
    // Somebody impatient would ask a third server where an honest one is late on a busy machine.
    client = reopen({ patienceMs: 30_000 });
    for (let i = 0; i < 4; i++) await sign(`warm ${i}`);
    const before = network.servers.map(requestsOf);
    const { attempts, signers } = await sign('one round trip');
    const asked = network.servers.map(requestsOf).map((count, i) => count - before[i]!);
    expect(attempts).toBe(1);
    expect(asked.toSorted((a, b) => a - b)).toEqual([0, 1, 1]);
    expect(signers).toEqual(network.servers.filter((_, i) => asked[i] === 1).map(({ name }) => name));
  });

  test('says at its end that nobody is waited for, although a server that was not needed never answered', async () => {
    for (const path of await store.list(POOL_FOLDER)) await store.delete(path);
    const isOver = new AbortController();
    network.server('charlie').wire = async (_request, pass) => {
      await once(isOver.signal, 'abort');
      return pass();
    };
    const events: ProgressEvent[] = [];
    const asked = await client.prepare({ key: 'k', ...messageOf('the end') });
    await asked.sign((event) => void events.push(event));
    isOver.abort();
    for (const stage of ['sign', 'done'] as const) {
      const { have, waiting } = events.findLast((event) => event.stage === stage)!;
      expect([have.toSorted(), waiting]).toEqual([['alpha', 'bravo'], []]);
    }
    expect(events.at(-1)?.stage).toBe('done');
  });

  test('tells no server what its owner calls the file, and its owner does', async () => {
    const sent: unknown[] = [];
    for (const server of network.servers) {
      server.tamper = ({ parameters }, honest) => {
        sent.push(parameters);
        return honest();
      };
    }
    const bytes = Buffer.alloc(1_200, 0xff);
    const payload = buildMessageRequest({ domain: 'ckm', bytes });
    const anyName = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 });
    const names = ['taxes-of-2026.pdf', ...fc.sample(anyName, 8)];
    for (const fileName of names) {
      const { description } = await client.sign({ key: 'k', kind: 'message', payload, fileName });
      expect(description.sentence).toMatch(/^Sign the file .+, 1 KB, SHA-256 /s);
    }
    const said = sent.flatMap(everythingIn);
    expect(said.some((part) => part.includes(bytes))).toBe(true);
    for (const fileName of names) {
      const heard = said.filter((part) => part.includes(fileName));
      expect(heard, fileName).toEqual([]);
    }
  });

  test('is not asked of a server that the owner leaves out', async () => {
    const { signers } = await sign('without', { without: ['alpha'] });
    expect(signers).toEqual(['bravo', 'charlie']);
    expect(requestsOf(network.server('alpha'))).toBe(0);
  });

  test('is made many times at once without a commitment being used twice', { tags: 'slow' }, async () => {
    const results = await Promise.all(Array.from({ length: 24 }, (_, i) => sign(`at once ${i}`)));
    expect(new Set(results.map(({ signatures }) => encodeHex(signatures[0]!))).size).toBe(24);
    expect(results.every(({ faulty }) => faulty.length === 0)).toBe(true);
  });

  test.each([
    ['too many left out', { without: ['alpha', 'bravo'] }, 'QUORUM_SERVERS_MISMATCH'],
    ['a stranger left out', { without: ['zulu'] }, 'SERVER_UNKNOWN'],
    ['an unknown key', { key: 'nothing' }, 'KEY_UNKNOWN'],
    ['a kind the key was not made for', { kind: 'bitcoin' }, 'PSBT_MALFORMED'],
    ['a kind that does not exist', { kind: 'poem' }, 'REQUEST_KIND_UNKNOWN'],
    ['an invalid payload', { payload: new Uint8Array([9]) }, 'PAYLOAD_VERSION_UNKNOWN'],
  ])('with %s is refused before anything is sent', async (_what, change, code) => {
    const before = network.servers.map(({ asked }) => asked.length);
    await expect(sign('x', change)).rejects.toMatchObject({ code });
    expect(network.servers.map(({ asked }) => asked.length)).toEqual(before);
  });

  test('previewed sends and writes nothing', async () => {
    const before = {
      asked: network.servers.map(({ asked }) => asked.length),
      stored: await store.list('sessions'),
    };
    const { description, asks, needed } = await client.prepare({ key: 'k', ...messageOf('hello') });
    expect(description.sentence).toContain('“hello”');
    expect([asks.toSorted(), needed]).toEqual([['alpha', 'bravo', 'charlie'], 2]);
    expect(network.servers.map(({ asked }) => asked.length)).toEqual(before.asked);
    expect(await store.list('sessions')).toEqual(before.stored);
  });
});

describe('a server in the adversary’s hands', () => {
  withKey();

  test.each<[string, Tamper, string]>([
    ['sends a wrong share', wrongShare, 'FAULT_SHARE_INVALID'],
    [
      'sends a share of zeros',
      lying((reply) => answering(reply, (shares) => shares.map(() => new Uint8Array(32)))),
      'FAULT_SHARE_INVALID',
    ],
    ['sends no share', lying((reply) => ({ ...reply, answer: null })), 'FAULT_MALFORMED'],
    [
      'sends two shares for one',
      lying((reply) => answering(reply, (shares) => [...shares, ...shares])),
      'FAULT_MALFORMED',
    ],
    [
      'gives commitments that are no elements',
      lying((reply) =>
        giving(
          reply,
          commitmentsIn(reply).map(() => ({
            hiding: new Uint8Array(32).fill(0xff),
            binding: new Uint8Array(32),
          })),
        ),
      ),
      'FAULT_COMMITMENT_INVALID',
    ],
    [
      'gives commitments that are no elements’ length',
      lying((reply) =>
        giving(
          reply,
          commitmentsIn(reply).map(() => ({ hiding: new Uint8Array(1), binding: new Uint8Array(0) })),
        ),
      ),
      'FAULT_COMMITMENT_INVALID',
    ],
  ])('that %s is named, left out and remembered; the others sign', async (_what, tamper, code) => {
    network.server('bravo').tamper = tamper;
    const results = [];
    for (let i = 0; i < 4; i++) results.push(await sign(`despite bravo ${i}`));
    expect(results.every(({ signers }) => signers.join() === 'alpha,charlie')).toBe(true);
    const blamed = results.flatMap(({ faulty }) => faulty);
    expect(blamed.length).toBeGreaterThan(0);
    expect(new Set(blamed.map((one) => `${one.server} ${one.code}`))).toEqual(new Set([`bravo ${code}`]));
    // Nothing in it is signed as an answer to just that package: it is no proof to others, and says so.
    const evidence = decodeData((await recordsOf(store).get(blamed[0]!.evidence))!);
    expect(evidence).toMatchObject({ code, convinces: 'owner' });
  });

  test('that claims to have signed what it was not asked to sign is left out', async () => {
    network.server('bravo').tamper = lying((reply) => ({
      ...reply,
      state: 'answered',
      answer: { craft: 'frost', shares: [new Uint8Array(32)] },
    }));
    const { signers } = await sign('out of turn');
    expect(signers).toEqual(['alpha', 'charlie']);
  });

  test('that never has enough commitments is left out, and not asked for ever', async () => {
    network.server('bravo').tamper = lying((reply) => giving(reply, []));
    const { signers } = await sign('starving');
    expect(signers).toEqual(['alpha', 'charlie']);
    expect(requestsOf(network.server('bravo'))).toBeLessThan(4);
  });

  test('that forgets its commitments every time is named after one excuse', async () => {
    network.server('bravo').tamper = lying((reply, { attempt }) =>
      attempt === null ? reply : { ...reply, state: 'stale', answer: null },
    );
    const results = [];
    for (let i = 0; i < 3; i++) results.push(await sign(`forgetful ${i}`));
    for (const { signers } of results) expect(signers).toEqual(['alpha', 'charlie']);
    const named = results.flatMap(({ faulty }) => faulty).map(({ server, code }) => `${server} ${code}`);
    expect(new Set(named)).toEqual(new Set(['bravo SUSPECT_NONCES_LOST']));
  });

  test('says that it rejected: the others sign', async () => {
    network.server('bravo').tamper = lying((reply) => ({
      ...reply,
      state: 'rejected',
      reason: 'no',
      answer: null,
      prepared: null,
    }));
    expect((await sign('rejected by one')).signers).toEqual(['alpha', 'charlie']);
  });

  test('is so twice, of three: the owner is told both names and where the evidence is', async () => {
    network.server('bravo').tamper = wrongShare;
    network.server('charlie').tamper = wrongShare;
    const failing = (async () => {
      for (let i = 0; i < 4; i++) await sign(`two liars ${i}`);
    })();
    await expect(failing).rejects.toMatchObject({
      errorClass: 'PeerFaultError',
      code: 'FAULT_SHARE_INVALID',
      facts: { servers: ['bravo', 'charlie'], evidence: expect.stringMatching(/^evidence\//) },
    });
  });
});

describe('a server that cannot be reached', () => {
  withKey();

  /** Nobody is silent for this client: how busy this machine is must not make an honest server look so. */
  async function openPatiently(): Promise<void> {
    await client.close();
    client = reopen({ patienceMs: 600_000, timeoutMs: 600_000 });
  }

  test('does not hold up a quorum of others: unreachable', async () => {
    await openPatiently();
    await sign('warm');
    network.server('alpha').wire = () => Promise.reject(unreachable('alpha'));
    const results = [];
    for (let i = 0; i < 4; i++) results.push(await sign(`alpha is down ${i}`));
    expect(results.every(({ signers }) => signers.join() === 'bravo,charlie')).toBe(true);
    // It is asked last from then on.
    expect(results.flatMap(({ silent }) => silent)).toEqual(['alpha']);
  });

  test('does not hold up a quorum of others: silent', async () => {
    await sign('warm');
    network.server('alpha').wire = () => new Promise(() => undefined);
    const { signers } = await sign('alpha hangs', { without: [] });
    expect(signers).toEqual(['bravo', 'charlie']);
  });

  test('is not whoever has signed, and was asked for a second attempt just before', async () => {
    for (const { name } of network.servers) await sign('warm', { without: [name] });
    await client.close();
    client = reopen({ patienceMs: 200, timeoutMs: 600_000 });
    const numbers: number[] = [];
    const second = createGate();
    const over = createGate();
    for (const server of network.servers)
      server.tamper = async ({ name, parameters }, honest) => {
        if (name !== 'request.ask') return honest();
        const { attempt } = parameters as Parameters<'request.ask'>;
        if (attempt === null) return honest();
        numbers.push(attempt.number);
        if (attempt.number !== numbers[0]) {
          second.open();
          await over.isOpen;
        } else if (numbers.length === 2) await second.isOpen;
        return honest();
      };
    const { signers, silent } = await sign('two are late').finally(over.open);
    expect(numbers.length).toBeGreaterThanOrEqual(3);
    expect(signers).toHaveLength(2);
    expect(silent.filter((name) => signers.includes(name))).toEqual([]);
  });

  test('is one of two too many: the owner is told who does not answer, and what to do', async () => {
    for (const name of ['alpha', 'bravo'])
      network.server(name).wire = () => Promise.reject(unreachable(name));
    await expect(sign('too few')).rejects.toMatchObject({
      errorClass: 'AvailabilityError',
      code: 'TOO_FEW_SERVERS',
      message: expect.stringMatching(/alpha does not answer, bravo does not answer/),
    });
  });

  test.each<[string, (server: NetworkServer) => void]>([
    [
      'garbage',
      (server) =>
        (server.wire = async () => ({ status: 200, contentType: '', body: new Uint8Array(99).fill(7) })),
    ],
    [
      'nothing',
      (server) => (server.wire = async () => ({ status: 200, contentType: '', body: new Uint8Array(0) })),
    ],
    [
      'an error page',
      (server) =>
        (server.wire = async () => ({ status: 502, contentType: 'text/html', body: new Uint8Array(9) })),
    ],
    [
      'yesterday’s answer',
      (server) => {
        let first: Awaited<ReturnType<NonNullable<NetworkServer['wire']>>> | undefined;
        server.wire = async (_request, pass) => (first ??= await pass());
      },
    ],
    [
      'an answer with one bit turned',
      (server) => {
        server.wire = async (_request, pass) => {
          const reply = await pass();
          return {
            ...reply,
            body: reply.body.map((byte, i) => (i === reply.body.length >> 1 ? byte ^ 1 : byte)),
          };
        };
      },
    ],
  ])('because somebody in between answers %s: the others sign', async (_what, bend) => {
    await openPatiently();
    await sign('warm');
    bend(network.server('alpha'));
    const results = [];
    for (let i = 0; i < 3; i++) results.push(await sign(`in between ${i}`));
    for (const { signers, silent } of results) {
      expect(signers).toHaveLength(2);
      if (silent.length > 0) expect(signers).toEqual(['bravo', 'charlie']);
    }
    // Whoever stands in between is not alpha: it is said to be silent, once (then it is asked last), and not to lie.
    expect(results.flatMap(({ silent }) => silent)).toEqual(['alpha']);
    expect(results.flatMap(({ faulty }) => faulty)).toEqual([]);
  });
});

describe('commitments', () => {
  withKey();

  /** Every commitment of every attempt that reached a server. */
  function watch(): Map<string, number> {
    const seen = new Map<string, number>();
    for (const server of network.servers) {
      server.tamper = async ({ name, parameters }, honest) => {
        const { attempt } =
          name === 'request.ask' ? (parameters as Parameters<'request.ask'>) : { attempt: null };
        if (attempt?.craft !== 'frost') return honest();
        const place = attempt.signers.indexOf(network.servers.indexOf(server) + 1);
        for (const packed of attempt.commitments) {
          const { hiding } = unpackCommitments(packed, attempt.signers.length)![place]!;
          const text = `${server.name} ${encodeHex(hiding)}`;
          seen.set(text, (seen.get(text) ?? 0) + 1);
        }
        return honest();
      };
    }
    return seen;
  }

  test('are kept between two runs of a client, so that the second run is warm too', async () => {
    await sign('first run');
    await client.close();
    client = reopen();
    const before = network.servers.map(requestsOf);
    await sign('second run');
    expect(
      network.servers
        .map(requestsOf)
        .map((count, i) => count - before[i]!)
        .toSorted((a, b) => a - b),
    ).toEqual([0, 1, 1]);
  });

  test(
    'V34: are never sent twice, not by a client that is killed after sending, nor by two clients at once',
    { tags: 'slow' },
    async () => {
      const seen = watch();
      for (let i = 0; i < 3; i++) {
        const [one, two] = [reopen(), reopen()];
        await Promise.all([
          one.sign({ key: 'k', ...messageOf(`one ${i}`) }),
          two.sign({ key: 'k', ...messageOf(`two ${i}`) }),
        ]);
        await one.close();
        // The other one is killed: it never puts anything back.
      }
      expect(seen.size).toBeGreaterThanOrEqual(12);
      expect([...seen.values()].every((count) => count === 1)).toBe(true);
    },
  );

  test('V36: of a server that was restarted are void, and the signature still comes out', async () => {
    await sign('warm');
    for (const server of network.servers) await server.restart();
    const { signers } = await sign('after the restart of all');
    expect(signers).toHaveLength(2);
  });

  test('lost by a damaged pool record cost a round trip and nothing else', async () => {
    await sign('warm');
    await client.close();
    const [path] = await store.list('pool');
    await store.put(path!, new Uint8Array([1, 2, 3]));
    client = reopen();
    // Not always one: a server that is late on a busy machine is not waited for.
    expect((await sign('cold again')).attempts).toBeLessThanOrEqual(2);
    await client.close();
    client = reopen();
    // It is still there for its owner to look at, and doctor names it.
    expect(await store.get(path!)).toEqual(new Uint8Array([1, 2, 3]));
    expect(await client.diagnose()).toContainEqual(expect.objectContaining({ level: 'fail', subject: path }));
  });
});

describe('a request that waits for people', () => {
  withKey({ policy: { approval: 'operator' } });

  const approve = async (name: string) => {
    const { desk } = network.server(name).bare.sessions;
    const waiting = await desk.list();
    for (const { requestId } of waiting) await desk.approve(requestId);
    return waiting.length;
  };

  test('can be left, and stays on record, and goes on when enough operators have said yes', async () => {
    await expect(sign('please', { waitSeconds: 0 })).rejects.toMatchObject({
      code: 'REQUEST_WAITING',
      exitCode: 77,
    });
    const [request] = await client.listRequests();
    expect(request).toMatchObject({ state: 'open', keyName: 'k' });
    await approve('alpha');
    await approve('charlie');
    const done = await (await client.prepareAgain(encodeHex(request!.requestId).slice(0, 8))).sign();
    expect(done).toMatchObject({ signers: ['alpha', 'charlie'] });
    expect(await client.showRequest(encodeHex(request!.requestId))).toMatchObject({ state: 'finished' });
    await client.close();
    expect(await network.server('bravo').bare.sessions.desk.list()).toEqual([]);
  });

  test(
    'is not gone on with once its owner has seen that an operator sees another key',
    { tags: 'slow' },
    async () => {
      const events: ProgressEvent[] = [];
      const asked = await client.prepare({ key: 'k', ...messageOf('disputed'), waitSeconds: 60 });
      const signing = asked.sign((event) => void events.push(event)).catch((error: unknown) => error);
      await vi.waitUntil(() => events.some(({ stage: at }) => at === 'wait'));
      const other = reopen();
      await other.noteComparison(await other.showKey('k'), 'different');
      for (const name of ['alpha', 'bravo']) await approve(name);
      expect(await signing).toMatchObject({ code: 'KEY_LIKENESS_DIFFERS' });
      const [left, ...others] = (await other.listRequests()).filter(({ state }) => state === 'open');
      expect([left, others]).toMatchObject([{ artefact: null }, []]);
      await other.cancelRequest(encodeHex(left!.requestId), 'settle it first');
      expect(await network.server('charlie').bare.sessions.desk.list()).toEqual([]);
      await other.close();
    },
  );

  test('goes on by itself while the owner waits', { tags: 'slow' }, async () => {
    const waiting = sign('while I wait');
    const hasArrived = async (name: string) =>
      (await network.server(name).bare.sessions.desk.list()).length > 0;
    while (!(await hasArrived('alpha')) || !(await hasArrived('bravo'))) await new Promise(setImmediate);
    await approve('bravo');
    await approve('alpha');
    expect((await waiting).signers).toEqual(['alpha', 'bravo']);
  });

  test(
    'is not held up by a server that stays silent: it goes on as soon as enough operators of the others have said yes',
    { tags: 'slow' },
    async () => {
      await client.close();
      client = reopen({ patienceMs: 20, timeoutMs: 600_000 });
      const isOver = new AbortController();
      network.server('alpha').wire = async (_request, pass) => {
        if (!isOver.signal.aborted) await once(isOver.signal, 'abort');
        return pass();
      };
      const waiting = sign('alpha hangs');
      for (const name of ['bravo', 'charlie']) {
        await vi.waitFor(async () => expect(await approve(name)).toBe(1), { timeout: 20_000, interval: 20 });
      }
      expect((await waiting).signers).toEqual(['bravo', 'charlie']);
      isOver.abort();
    },
  );

  test('rejected by too many reaches the owner with the reason', async () => {
    const before = sign('never', { waitSeconds: 0 }).catch((error: unknown) => error);
    await before;
    for (const name of ['alpha', 'bravo']) {
      const { desk } = network.server(name).bare.sessions;
      for (const { requestId } of await desk.list()) await desk.reject(requestId, 'not on a Sunday');
    }
    const [request] = await client.listRequests();
    const again = await client.prepareAgain(encodeHex(request!.requestId));
    await expect(again.sign()).rejects.toMatchObject({
      code: 'REQUEST_REJECTED',
      message: 'too few operators agree: alpha (“not on a Sunday”) and bravo (“not on a Sunday”) said no',
      hint: 'talk to them, then ask again; the request is taken back from charlie',
    });
    expect(await client.showRequest(encodeHex(request!.requestId))).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('not on a Sunday'),
    });
    await vi.waitUntil(async () => (await network.server('charlie').bare.sessions.desk.list()).length === 0);
  });

  test('tells its owner of each decision as it comes', { tags: 'slow' }, async () => {
    const events: ProgressEvent[] = [];
    const asked = await client.prepare({ key: 'k', ...messageOf('decide'), waitSeconds: 60 });
    const signing = asked.sign((event) => void events.push(event)).catch((error: unknown) => error);
    await vi.waitUntil(() => events.some(({ stage: at }) => at === 'wait'));
    for (const [name, decide] of [
      ['alpha', 'approve'],
      ['bravo', 'reject'],
      ['charlie', 'approve'],
    ] as const) {
      const { desk } = network.server(name).bare.sessions;
      const { requestId } = (await desk.list())[0]!;
      if (decide === 'approve') await desk.approve(requestId);
      else await desk.reject(requestId, 'call me first');
    }
    await signing;
    const said = events.flatMap(({ rejected = [] }) => rejected);
    expect(said).toContainEqual({ server: 'bravo', reason: 'call me first' });
  });

  test(
    'is put to every operator at once, and one who was not needed for the first attempt does not pass for one who agreed',
    { tags: 'slow' },
    async () => {
      const waiting = async () => {
        const desks = await Promise.all(network.servers.map(({ bare }) => bare.sessions.desk.list()));
        return desks.filter(({ length }) => length > 0).length;
      };
      const first = sign('fills the pools of all three');
      await vi.waitUntil(async () => (await waiting()) === 3);
      for (const { name } of network.servers) await approve(name);
      await first;
      const events: ProgressEvent[] = [];
      const asked = await client.prepare({ key: 'k', ...messageOf('begins with two of them') });
      const signing = asked.sign((event) => void events.push(event)).catch((error: unknown) => error);
      await vi.waitUntil(() => events.some(({ stage: at }) => at === 'wait'));
      await vi.waitUntil(async () => (await waiting()) === 3);
      const told = events.filter(({ stage: at }) => at === 'wait');
      expect(told.map(({ have, waiting: awaited }) => [have, awaited])).toEqual(
        told.map(() => [[], ['alpha', 'bravo', 'charlie']]),
      );
      for (const { bare } of network.servers)
        for (const { requestId } of await bare.sessions.desk.list())
          await bare.sessions.desk.reject(requestId, 'no');
      expect(await signing).toMatchObject({ code: 'REQUEST_REJECTED' });
    },
  );

  test(
    'tells its owner of a server that refuses by its own rules while others wait: at once, at the end, and on record',
    { tags: 'slow' },
    async () => {
      network.server('alpha').tamper = async ({ name }, honest) => {
        if (name !== 'request.ask') return honest();
        const reason = 'this key takes at most 2 requests in 1 h';
        throw new PolicyError(reason, { code: 'POLICY_RATE', hint: 'wait, then ask again' });
      };
      const refused = [
        { server: 'alpha', reason: 'this key takes at most 2 requests in 1 h', code: 'POLICY_RATE' },
      ];
      const events: ProgressEvent[] = [];
      const asked = await client.prepare({ key: 'k', ...messageOf('too often'), waitSeconds: 60 });
      const signing = asked.sign((event) => void events.push(event));
      await vi.waitUntil(() => events.some((event) => event.refused?.length === 1));
      expect(events.at(-1)).toMatchObject({ stage: 'wait', refused });
      expect(events.at(-1)!.waiting).not.toContain('alpha');
      const { id } = events[0]!;
      expect((await client.showRequest(id)).refusals).toEqual([
        'alpha: this key takes at most 2 requests in 1 h (POLICY_RATE)',
      ]);
      for (const name of ['bravo', 'charlie'])
        await vi.waitFor(async () => expect(await approve(name)).toBeGreaterThan(0));
      expect(await signing).toMatchObject({ signers: ['bravo', 'charlie'], refused });
    },
  );

  test('that the certified policy forbids is refused before any server hears of it', async () => {
    for (const server of network.servers) server.asked.length = 0;
    const blind = buildMessageRequest({ domain: '', bytes: Uint8Array.of(0xff, 0x00) });
    const asked = await client.prepare({ key: 'k', kind: 'message', payload: blind });
    expect(asked.refusal).toMatchObject({ code: 'POLICY_BLIND' });
    await expect(asked.sign()).rejects.toMatchObject({ code: 'POLICY_BLIND' });
    expect(network.servers.flatMap(({ asked: names }) => names)).toEqual([]);
  });

  test('cancelled by its owner is gone from every desk', async () => {
    await sign('never mind', { waitSeconds: 0 }).catch(() => undefined);
    const [request] = await client.listRequests();
    await client.cancelRequest(encodeHex(request!.requestId), 'never mind');
    for (const { bare } of network.servers) {
      const waiting = (await bare.sessions.desk.list()).map(({ requestId }) => encodeHex(requestId));
      expect(waiting).not.toContain(encodeHex(request!.requestId));
    }
    await expect(client.prepareAgain(encodeHex(request!.requestId))).rejects.toBeInstanceOf(StateError);
  });
});
