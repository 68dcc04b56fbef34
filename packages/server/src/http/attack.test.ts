import { describe, expect, test } from 'vitest';
import { createReporting } from '../events.js';
import { createHttpApp } from './app.js';
import { TEST_LIMITS } from '../test/limits.js';

const LIMITS = { ...TEST_LIMITS, perSecond: 20, perAddressPerMinute: 10 };
const MALLORY = '192.0.2.66';
const ALICE = '192.0.2.1';

/** An app that answers with what it was sent. */
function open(limits: Partial<typeof LIMITS> = {}, log: string[] = [], mostBytes = () => LIMITS.body) {
  const app = createHttpApp({
    config: { limits: { ...LIMITS, ...limits }, trustProxy: false, metrics: 'local' },
    served: {
      phase: () => 'ready',
      open: () => ({
        mostBytes,
        receive: async (bytes) => ({ kind: 'sealed', bytes }),
        card: {
          document: 'ur:envelope/…',
          name: 'alpha',
          version: '0.1.0',
          accounts: 'open',
          protocols: [1],
        },
        storageFault: async () => null,
      }),
    },
    reporting: createReporting({ level: 'debug', destination: { write: (line) => void log.push(line) } }),
  });
  return (address: string, body: BodyInit = 'hello', headers: Record<string, string> = {}) =>
    Promise.resolve(
      app.request(
        '/v1/messages',
        {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/octet-stream', ...headers },
          ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
        } as RequestInit,
        { incoming: { socket: { remoteAddress: address } } },
      ),
    );
}

/** A body of which a first byte comes, and the rest when somebody says so. */
function slowBody() {
  let end = (): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new Uint8Array(1));
      end = () => controller.close();
    },
  });
  return { body, end: () => end() };
}

describe('V70: somebody at one address', () => {
  test('who goes on when he has nothing left uses up nothing of what everybody shares', async () => {
    const post = open();
    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) statuses.push((await post(MALLORY)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMITS.perAddressPerMinute);
    expect((await post(ALICE)).status).toBe(200);
  });

  test('who begins messages and never ends them keeps nobody else from being answered', async () => {
    const post = open({ perSecond: 1_000, perAddressPerMinute: 1_000 });
    const bodies = Array.from({ length: 6 }, slowBody);
    const hanging = bodies.map(({ body }) => post(MALLORY, body));
    expect((await post(ALICE)).status).toBe(200);
    // More than his share he cannot even begin.
    expect((await hanging.at(-1)!).status).toBe(503);
    expect((await post(MALLORY)).status).toBe(503);
    for (const { end } of bodies) end();
    const statuses = (await Promise.all(hanging)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMITS.concurrency);
    expect((await post(MALLORY)).status).toBe(200);
  });

  test('who has sent too much rubbish is refused before a byte is read, and takes no place of his neighbours', async () => {
    const post = open({}, [], () => 100);
    for (let i = 0; i < 40; i++) {
      const refused = await post(MALLORY, slowBody().body, { 'content-length': '101' });
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
        429,
        'LONG_MESSAGES_REFUSED',
      ]);
    }
    // Also without a stated length, as soon as a byte too many has come.
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(60)),
    });
    expect((await post(MALLORY, endless)).status).toBe(429);
    expect((await post(MALLORY, 'x'.repeat(100))).status).toBe(200);
  });

  test('who hangs up in the middle of a message fills no log with defects', async () => {
    const log: string[] = [];
    const post = open({}, log);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error('aborted')),
    });
    expect((await post(MALLORY, body)).status).toBe(503);
    expect(log.join('')).toContain('REQUEST_TIMEOUT');
    expect(log.join('')).not.toContain('"bug"');
  });
});
