import { EventEmitter, once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Listener, listenTcp } from './listen.js';
import { createReporting } from '../events.js';
import { TEST_LIMITS } from '../test/limits.js';
import { createHttpApp } from './app.js';
import type { ReadyServer } from './served.js';

/** Of this machine, and another one than 127.0.0.1. */
const MALLORY = '127.0.0.66';
const LIMITS = { ...TEST_LIMITS, perSecond: 20, perAddressPerMinute: 10, connectionsPerAddress: 8 };

const sockets: Socket[] = [];
let listener: Listener;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener.close(0);
});

async function listen(options: { trustProxy?: boolean; headersMs?: number } = {}): Promise<void> {
  const { trustProxy = false, headersMs = 10_000 } = options;
  const listenAt = { host: '127.0.0.1', port: 0 };
  const app = { fetch: () => new Response('well') };
  listener = await listenTcp(app, { listen: listenAt, tls: null, limits: LIMITS, trustProxy }, { headersMs });
}

/** A connection that says nothing; `ended` resolves when the server cuts it off. */
async function holdOpen(from = MALLORY): Promise<{ readonly socket: Socket; readonly ended: Promise<void> }> {
  const socket = connect({ host: '127.0.0.1', port: listener.port, localAddress: from });
  sockets.push(socket);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('error', () => undefined);
    socket.resume();
  });
  await once(socket, 'connect');
  return { socket, ended };
}

/** What is answered to somebody with a connection of their own; null: cut off. */
function ask(from: string): Promise<number | null> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port: listener.port,
      localAddress: from,
      agent: false,
      path: '/healthz',
    };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    })
      .once('error', () => resolve(null))
      .end();
  });
}

describe('V70: connections of one address', () => {
  test('that say nothing keep nobody else out, and have an end in number', async () => {
    await listen();
    const held = await Promise.all(Array.from({ length: 40 }, () => holdOpen()));
    // All but as many as the limit says are cut off.
    let cut = 0;
    await new Promise<void>((resolve) => {
      for (const { ended } of held)
        void ended.then(() => ++cut === 40 - LIMITS.connectionsPerAddress && resolve());
    });
    expect(await ask(MALLORY)).toBeNull();
    expect(await ask('127.0.0.1')).toBe(200);
    expect(cut).toBe(40 - LIMITS.connectionsPerAddress);
  });

  test('that are closed make room again', async () => {
    await listen();
    const held = await Promise.all(Array.from({ length: LIMITS.connectionsPerAddress }, () => holdOpen()));
    expect(await ask(MALLORY)).toBeNull();
    held[0]!.socket.destroy();
    await held[0]!.ended;
    await expect.poll(() => ask(MALLORY)).toBe(200);
  });

  test('behind a trusted proxy are those of everybody, and are not counted', async () => {
    await listen({ trustProxy: true });
    await Promise.all(Array.from({ length: 40 }, () => holdOpen()));
    expect(await ask(MALLORY)).toBe(200);
  });

  test('that say nothing for too long are closed, soon after that', async () => {
    await listen({ headersMs: 40 });
    const { ended } = await holdOpen();
    await ended;
    expect(await ask(MALLORY)).toBe(200);
  });
});

test('/metrics are not opened by headers that push out for whom a proxy on this machine speaks: more than 64 are refused', async () => {
  const app = createHttpApp({
    config: { limits: LIMITS, trustProxy: false, metrics: 'local' },
    served: { phase: () => 'ready', open: () => null },
    reporting: createReporting({ level: 'silent' }),
  });
  listener = await listenTcp(app, {
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    limits: LIMITS,
    trustProxy: false,
  });
  const statusWith = (headers: number) =>
    new Promise<number | undefined>((resolve, reject) => {
      const padding = Array.from({ length: headers }, (_, i) => [`x-padding-${i}`, 'x']);
      const sent = { ...Object.fromEntries(padding), 'x-forwarded-for': '192.0.2.66' };
      const options = { host: '127.0.0.1', port: listener.port, path: '/metrics', agent: false };
      request({ ...options, headers: sent }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
  expect(await statusWith(10)).toBe(403);
  expect(await statusWith(70)).toBe(431);
});

test('a health check in HTTP/1.0, which names no host, is answered', async () => {
  await listen();
  const socket = connect({ host: '127.0.0.1', port: listener.port });
  sockets.push(socket);
  let answer = '';
  socket.on('data', (part) => (answer += part.toString()));
  socket.write('OPTIONS /readyz HTTP/1.0\r\n\r\n');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

/** Listens with an app in front of what answers messages. */
async function listenAndReceive(receive: ReadyServer['receive'], limits = LIMITS) {
  const accounts = 'open' as const;
  const card = { document: '', name: 'alpha', version: '0.1.0', accounts, protocols: [1] };
  const app = createHttpApp({
    config: { limits, trustProxy: false, metrics: 'local' },
    served: {
      phase: () => 'ready',
      open: () => ({ mostBytes: () => limits.body, receive, card, storageFault: async () => null }),
    },
    reporting: createReporting({ level: 'silent' }),
  });
  const listenAt = { host: '127.0.0.1', port: 0 };
  listener = await listenTcp(app, { listen: listenAt, tls: null, limits, trustProxy: false });
  return app;
}

describe('a long message, which may stand in line,', () => {
  const limits = { ...LIMITS, body: 200_000, concurrency: 1 };
  const post = (signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${listener.port}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(100_000),
      ...(signal === undefined ? {} : { signal }),
    });
  /** Answers nobody; tells who comes, and who leaves. */
  function untilLeft() {
    const moves = new EventEmitter();
    const receive: ReadyServer['receive'] = (_bytes, _from, left) =>
      new Promise((resolve) => {
        moves.emit('came');
        left!.addEventListener('abort', () => {
          resolve({ kind: 'left' });
          moves.emit('left');
        });
      });
    return { receive, moves };
  }

  test('leaves it as soon as its sender hangs up, and its place is free', async () => {
    const { receive, moves } = untilLeft();
    await listenAndReceive(receive, { ...limits, requestTimeoutMs: 60_000 });
    for (let i = 0; i < 3; i++) {
      const hangUp = new AbortController();
      const [came, left] = [once(moves, 'came'), once(moves, 'left')];
      const asked = post(hangUp.signal).catch(() => 'gone');
      // The only place there is.
      await came;
      hangUp.abort();
      await left;
      expect(await asked).toBe('gone');
    }
  });

  test('leaves it when its time is up, and is told so', async () => {
    const { receive } = untilLeft();
    await listenAndReceive(receive, { ...limits, requestTimeoutMs: 20 });
    for (let i = 0; i < 3; i++) {
      const answer = await post();
      expect([answer.status, await answer.json()]).toEqual([
        503,
        expect.objectContaining({ code: 'REQUEST_TIMEOUT' }),
      ]);
    }
  });
});

test('an answer over a socket has the headers of one that is asked for directly, and so has a refusal', async () => {
  const app = await listenAndReceive(async (bytes) => ({ kind: 'sealed', bytes }));
  const body = new Uint8Array([1, 2, 3]);
  for (const [type, status] of [
    ['application/octet-stream', 200],
    ['application/json', 415],
  ] as const) {
    const asked = { method: 'POST', headers: { 'content-type': type }, body };
    const overSocket = await fetch(`http://127.0.0.1:${listener.port}/v1/messages`, asked);
    const directly = await app.request('/v1/messages', asked);
    expect([overSocket.status, directly.status]).toEqual([status, status]);
    const own = ['access-control-allow-origin', 'cache-control', 'content-type', 'x-content-type-options'];
    for (const name of own) expect(overSocket.headers.get(name)).toBe(directly.headers.get(name));
    expect(overSocket.headers.get('access-control-allow-origin')).toBe('*');
    expect(await overSocket.arrayBuffer()).toEqual(await directly.arrayBuffer());
  }
});
