import { describe, expect, test } from 'vitest';
import type { ServerConfig } from '../config/config.js';
import { createReporting } from '../events.js';
import { random } from '../test/rooms.js';
import { addressGroup, isLocal } from './address.js';
import { createHttpApp } from './app.js';
import type { ReadyServer, Phase } from './served.js';
import { TEST_LIMITS } from '../test/limits.js';

const LIMITS = { ...TEST_LIMITS, concurrency: 2 };
const OCTETS = { 'content-type': 'application/octet-stream' };

interface TestApp {
  post(body?: Uint8Array, headers?: Record<string, string>, address?: string): Promise<Response>;
  get(path: string, address?: string, headers?: Record<string, string>): Promise<Response>;
  readonly seen: Uint8Array[];
  phase: Phase;
  storageFault: string | null;
  log(): string;
}

/** The HTTP app in front of a server that answers with what it was sent. */
function open(
  options: Partial<{
    limits: Partial<ServerConfig['limits']>;
    trustProxy: boolean;
    metrics: 'local' | 'anybody';
    receive: ReadyServer['receive'];
    mostBytes: ReadyServer['mostBytes'];
  }> = {},
): TestApp {
  const lines: string[] = [];
  const seen: Uint8Array[] = [];
  const card = {
    document: 'ur:envelope/…',
    name: 'alpha',
    version: '0.1.0',
    accounts: 'open' as const,
    protocols: [1],
  };
  const receive: ReadyServer['receive'] =
    options.receive ??
    (async (bytes) => {
      seen.push(bytes);
      return { kind: 'sealed', bytes };
    });
  const mostBytes = options.mostBytes ?? (() => LIMITS.body);
  const storageFault = async () => subject.storageFault;
  const subject: TestApp = {
    storageFault: null,
    phase: 'ready',
    seen,
    log: () => lines.join(''),
    post: async (body = new Uint8Array([1, 2, 3]), headers = OCTETS, address = '192.0.2.1') =>
      app.request(
        '/v1/messages',
        { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> },
        { incoming: { socket: { remoteAddress: address } } },
      ),
    get: async (path, address = '192.0.2.1', headers = {}) =>
      app.request(path, { headers }, { incoming: { socket: { remoteAddress: address } } }),
  };
  const app = createHttpApp({
    config: {
      limits: { ...LIMITS, ...options.limits },
      trustProxy: options.trustProxy ?? false,
      metrics: options.metrics ?? 'local',
    },
    served: {
      phase: () => subject.phase,
      open: () => (subject.phase === 'ready' ? { receive, mostBytes, card, storageFault } : null),
    },
    reporting: createReporting({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
  });
  return subject;
}

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('POST /v1/messages', () => {
  test('hands the bytes in and the reply out, and nothing may store either', async () => {
    const subject = open();
    const body = random(500);
    const response = await subject.post(body);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(subject.seen).toEqual([body]);
  });

  test('V9: a body that says it is too long is refused before a byte of it is read', async () => {
    const subject = open();
    for (const length of ['1001', '999999999999', '9'.repeat(30), '-1', '1e3']) {
      const response = await subject.post(new Uint8Array(3), { ...OCTETS, 'content-length': length });
      expect([response.status, await codeOf(response)]).toEqual([413, 'BODY_TOO_LONG']);
    }
    expect(subject.seen).toEqual([]);
  });

  test('V9: a body that hides its length is cut off at the limit', async () => {
    const subject = open();
    const response = await subject.post(new Uint8Array(1_001));
    expect([response.status, await codeOf(response)]).toEqual([413, 'BODY_TOO_LONG']);
    expect((await subject.post(new Uint8Array(1_000))).status).toBe(200);
    expect(subject.seen).toHaveLength(1);
  });

  test('anything but octets is refused', async () => {
    const response = await open().post(new Uint8Array(3), { 'content-type': 'application/json' });
    expect([response.status, await codeOf(response)]).toEqual([415, 'BODY_TYPE_WRONG']);
  });

  test('a sealed, opening or stopping server says so and reads nothing', async () => {
    const subject = open();
    const codes: string[] = [];
    for (const phase of ['sealed', 'opening', 'stopping'] as const) {
      subject.phase = phase;
      const response = await subject.post();
      expect(response.status).toBe(503);
      codes.push(await codeOf(response));
      expect((await subject.get('/v1/identity')).status).toBe(503);
    }
    expect(codes).toEqual(['SERVER_SEALED', 'SERVER_BUSY', 'SERVER_STOPPING']);
    expect(subject.seen).toEqual([]);
  });

  test('one address that asks too often is told to wait; another is answered', async () => {
    const subject = open({ limits: { perAddressPerMinute: 2 } });
    const statuses: number[] = [];
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']) {
      statuses.push((await subject.post(undefined, OCTETS, address)).status);
    }
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  test('a sender cannot choose the address it counts as, unless a proxy is trusted', async () => {
    for (const [trustProxy, expected] of [
      [false, [200, 429]],
      [true, [200, 200]],
    ] as const) {
      const subject = open({ limits: { perAddressPerMinute: 1 }, trustProxy });
      const statuses: number[] = [];
      for (const claimed of ['203.0.113.1', '203.0.113.2']) {
        statuses.push((await subject.post(undefined, { ...OCTETS, 'x-forwarded-for': claimed })).status);
      }
      expect(statuses).toEqual(expected);
    }
  });

  test('everybody together has a limit too', async () => {
    const subject = open({ limits: { perSecond: 3, concurrency: 10 } });
    const statuses = await Promise.all(
      [1, 2, 3, 4].map(async (host) => (await subject.post(undefined, OCTETS, `192.0.2.${host}`)).status),
    );
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  test('only so many are answered at the same time', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const subject = open({
      receive: async (bytes) => {
        await held;
        return { kind: 'sealed', bytes };
      },
    });
    const running = [subject.post(), subject.post()];
    const refused = await subject.post();
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'SERVER_BUSY']);
    expect(refused.headers.get('retry-after')).toBe('1');
    release();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await subject.post()).status).toBe(200);
  });

  test('an answer that takes too long ends in a problem that can be asked again', async () => {
    const subject = open({ limits: { requestTimeoutMs: 5 }, receive: () => new Promise(() => undefined) });
    const response = await subject.post();
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'REQUEST_TIMEOUT', retryable: true });
  });

  test('V65: an error that cannot happen shows neither its words nor its stack', async () => {
    const subject = open({
      receive: () => {
        throw new TypeError('canary-in-a-message');
      },
    });
    const response = await subject.post();
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('canary');
    expect(subject.log()).toContain('"msg":"bug"');
    expect(subject.log()).not.toContain('canary');
  });
});

describe('paths beside the messages', () => {
  test('healthz is about the process, readyz about the server', async () => {
    const subject = open();
    subject.phase = 'sealed';
    expect((await subject.get('/healthz')).status).toBe(200);
    const sealed = await subject.get('/readyz');
    expect([sealed.status, await sealed.json()]).toEqual([503, { status: 'sealed' }]);
    subject.phase = 'ready';
    expect((await subject.get('/readyz')).status).toBe(200);
    subject.storageFault = 'STORAGE_FULL';
    const stuck = await subject.get('/readyz');
    expect([stuck.status, await stuck.json()]).toEqual([503, { status: 'storage', code: 'STORAGE_FULL' }]);
    expect((await subject.get('/healthz')).status).toBe(200);
  });

  test('the identity card is there for everybody, with a limit', async () => {
    const subject = open({ limits: { perAddressPerMinute: 1 } });
    expect(await (await subject.get('/v1/identity')).json()).toMatchObject({
      name: 'alpha',
      accounts: 'open',
      protocols: [1],
    });
    expect((await subject.get('/v1/identity')).status).toBe(429);
  });

  test('metrics are for this machine only, unless the operator says otherwise', async () => {
    const subject = open();
    await subject.post(new Uint8Array(1_001));
    expect((await subject.get('/metrics')).status).toBe(403);
    const local = await subject.get('/metrics', '::ffff:127.0.0.1');
    expect(await local.text()).toContain('ckm_messages_refused_total{code="BODY_TOO_LONG"} 1');
    expect((await subject.get('/metrics', '127.0.0.1', { 'x-forwarded-for': '198.51.100.7' })).status).toBe(
      403,
    );
    expect((await open({ metrics: 'anybody' }).get('/metrics')).status).toBe(200);
  });

  test('behind a proxy metrics are for nobody: one that adds no header would show them to everybody', async () => {
    const subject = open({ trustProxy: true });
    for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }]) {
      const response = await subject.get('/metrics', '127.0.0.1', headers);
      expect([response.status, await codeOf(response)]).toEqual([403, 'METRICS_LOCAL']);
    }
    expect((await open({ trustProxy: true, metrics: 'anybody' }).get('/metrics')).status).toBe(200);
  });

  test('an unknown path or method is refused as a problem document', async () => {
    for (const path of ['/', '/v1', '/v1/messages', '/admin', '/status', '/unseal', '/.git/config']) {
      const response = await open().get(path);
      expect([path, response.status, await codeOf(response)]).toEqual([path, 404, 'ROUTE_UNKNOWN']);
    }
  });
});

describe('what counts as one address', () => {
  const cases: readonly [string | undefined, string | undefined, string][] = [
    ['192.0.2.1', undefined, '192.0.2.1'],
    ['::ffff:192.0.2.1', undefined, '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2'],
    ['2001:db8:1:2:ffff::1', undefined, '2001:db8:1:2'],
    ['2001:db8::1', undefined, '2001:db8:0:0'],
    ['::1', undefined, '0:0:0:0'],
    ['fe80::1%eth0', undefined, 'fe80:0:0:0'],
    ['10.0.0.1', 'evil, 198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '', '10.0.0.1'],
    [undefined, undefined, 'unknown'],
  ];
  for (const [remote, forwarded, group] of cases) {
    test(`${remote} forwarded for ${forwarded} is ${group}`, () => {
      expect(addressGroup(remote, forwarded)).toBe(group);
    });
  }

  test('isLocal is true for loopback addresses alone', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(isLocal)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['10.0.0.1', '::2', '1270.0.0.1', undefined].map(isLocal)).toEqual([false, false, false, false]);
  });
});
