import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AuditLine } from '../audit/audit.js';
import type { NotifyConfig } from '../config/config.js';
import { callWebhook } from '../notices/call-webhook.js';
import { isGrave, type Notice, noticeOf, occasionOf } from '../notices/notice.js';
import { runCommand } from '../notices/run-command.js';
import { openRooms, random, type Rooms } from '../test/rooms.js';
import { noticeLater, operatorWays } from './operator-notices.js';
import { createOutbox, type Outbox } from './outbox.js';

let folder: string;
let rooms: Rooms;
const open: Outbox[] = [];
const listening: Server[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-notices-'));
  rooms = await openRooms();
});
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close();
  await rooms.close();
  for (const server of listening.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

/** As long as a busy machine takes. */
const POLL = { timeout: 8_000 };
const never = new AbortController().signal;
const SENTENCE = 'Pay 0.003 BTC to bc1p5d7r.';
const NOTICE: Notice = {
  event: 'waiting',
  server: 'alpha',
  at: '2026-11-28 20:47:35 UTC',
  waiting: 1,
  others: 0,
  id: '37e6a4f5',
  key: '1f0c99a2',
  account: '3c487cfe',
  sentence: SENTENCE,
};

function asked(number: number): AuditLine {
  return {
    sequence: number,
    at: Date.UTC(2026, 10, 28, 20, 47, 35) / 1000,
    deed: 'request.ask',
    who: new Uint8Array(32).fill(0xa1),
    keyId: new Uint8Array(32).fill(0xb2),
    subject: new Uint8Array(32).fill(number),
    sentence: SENTENCE,
    verdict: 'asked',
    policy: '',
    detail: 'bitcoin',
    hash: new Uint8Array(32),
  };
}

const stopped = (number: number): AuditLine => ({ ...asked(number), deed: 'key.stopped', verdict: 'failed' });

/** Notices of a server on which three requests wait, and what becomes of them. */
function notify(part: Partial<NotifyConfig>) {
  const told: string[] = [];
  const events = {
    noticeSent: ({ way }: { way: string }) => void told.push(`${way} sent`),
    noticeFailed: ({ way, code }: { way: string; code: string }) => void told.push(`${way} ${code}`),
    storageFailed: ({ code }: { code: string }) => void told.push(code),
    bug: (error: unknown) => void told.push(String(error)),
  };
  const config = { command: null, webhook: null, everySeconds: 1, quiet: null, ...part };
  const ways = operatorWays({ config, mail: null, name: 'alpha', countWaiting: () => Promise.resolve(3) });
  const { storage, vault } = rooms;
  const outbox = createOutbox({ storage, vault, clock: () => rooms.now, random, events }, ways);
  open.push(outbox);
  const owner = new Uint8Array(32);
  const note = (...lines: readonly AuditLine[]) =>
    storage.transact(async (transaction) => {
      for (const line of lines)
        await noticeLater(outbox, { config, events, owner }, ways.keys(), transaction, line);
    });
  return { notices: { note }, outbox, told };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

interface Heard {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** Somebody who listens where a webhook goes. */
async function listen(status = 204, headers: Record<string, string> = {}) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      heard.push({ body, headers: request.headers });
      response.writeHead(status, headers).end();
    });
  });
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`;
  return { url, heard };
}

const sh = (script: string) => ['/bin/sh', '-c', script, 'notice', folder];

describe('a command', () => {
  test('is told of a request that waits as JSON on stdin, with nothing of the server’s environment', async () => {
    process.env['CKM_DATABASE_URL'] = 'postgres://ckm:canary@db/ckm';
    try {
      const { notices, told } = notify({ command: sh('cat > "$1/told"; env > "$1/env"') });
      await notices.note(asked(1));
      await expect.poll(() => told, POLL).toEqual(['command sent']);
    } finally {
      delete process.env['CKM_DATABASE_URL'];
    }
    expect(JSON.parse(readFileSync(join(folder, 'told'), 'utf8'))).toEqual({
      ...NOTICE,
      waiting: 3,
      id: '01010101',
      key: 'b2b2b2b2',
      account: 'a1a1a1a1',
    });
    expect(readFileSync(join(folder, 'env'), 'utf8')).not.toMatch(/canary|CKM_/);
  });

  test('is not run for what nobody has to decide', async () => {
    const { notices, told } = notify({ command: sh('cat > "$1/told"') });
    await notices.note({ ...asked(1), verdict: 'allowed' });
    await notices.note({ ...asked(2), deed: 'operator.approve', verdict: 'approved' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([told, existsSync(join(folder, 'told'))]).toEqual([[], false]);
  });

  test('gets its words as they stand: a shell never reads them', async () => {
    await runCommand(
      ['/bin/sh', '-c', 'printf %s "$1" > "$2"', 'x', '$(id) ; `id`', join(folder, 'word')],
      NOTICE,
      never,
    );
    expect(readFileSync(join(folder, 'word'), 'utf8')).toBe('$(id) ; `id`');
  });

  test('that takes too long is ended, with what it has started', { tags: 'slow' }, async () => {
    const slow = runCommand(sh('(sleep 0.7; touch "$1/late") & sleep 60'), NOTICE, never, 200);
    await expect(slow).rejects.toMatchObject({ code: 'NOTICE_TIMEOUT' });
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(existsSync(join(folder, 'late'))).toBe(false);
  });

  test.each([
    ['that fails', ['/bin/sh', '-c', 'exit 3']],
    ['that does not read', ['/bin/sh', '-c', 'exec 0<&-; exit 1']],
    ['that is not there', ['/nowhere/ckm-notice']],
  ])('%s is a notice that was not sent, and no more', async (_what, command) => {
    const { notices, told } = notify({ command });
    await notices.note(asked(1));
    await expect.poll(() => told, POLL).toEqual(['command NOTICE_COMMAND_FAILED']);
  });

  test(
    'is run once for many requests that come at once, and is told how many others there are',
    { tags: 'slow' },
    async () => {
      const { notices, told } = notify({ command: sh('cat >> "$1/told"') });
      await notices.note(...numbers(1, 50).map(asked));
      await expect.poll(() => told, POLL).toEqual(['command sent']);
      await notices.note(...numbers(51, 60).map(asked));
      expect(told).toHaveLength(1);
      rooms.now += 1;
      await expect.poll(() => told, POLL).toHaveLength(2);
      const lines = readFileSync(join(folder, 'told'), 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as Notice).others)).toEqual([49, 9]);
    },
  );
});

test('a key that was stopped is what the notice names, whatever is asked for afterwards to hide it', async () => {
  const { notices, told } = notify({ command: sh('cat >> "$1/told"') });
  await notices.note(stopped(1), ...numbers(2, 9).map(asked));
  await expect.poll(() => told, POLL).toEqual(['command sent']);
  const notice = JSON.parse(readFileSync(join(folder, 'told'), 'utf8')) as Notice;
  expect([notice.event, notice.others]).toEqual(['stopped', 8]);
});

test.each([
  ['other terms of a key are', 'terms.propose', 'terms'],
  ['somebody who wants an account is', 'recovery.begin', 'recovering'],
  ['an account that was frozen is', 'account.freeze', 'frozen'],
])(
  '%s what the notice names before anything that is asked for, and no more than a key that was stopped',
  (_what, deed, event) => {
    const first = occasionOf({ ...asked(1), deed })!;
    const later = numbers(2, 4).map((number) => occasionOf(asked(number))!);
    const of = { server: 'alpha', waiting: 1 };
    expect(noticeOf([first, ...later], of).event).toBe(event);
    expect(noticeOf([occasionOf(stopped(9))!, first, ...later], of).event).toBe('stopped');
    expect(isGrave(first)).toBe(false);
  },
);

test('a share that left is what the notice names, whatever is asked for afterwards', async () => {
  const { notices, told } = notify({ command: sh('cat >> "$1/told"') });
  await notices.note({ ...asked(1), deed: 'key.exported', verdict: 'done' }, ...numbers(2, 4).map(asked));
  await expect.poll(() => told, POLL).toEqual(['command sent']);
  const notice = JSON.parse(readFileSync(join(folder, 'told'), 'utf8')) as Notice;
  expect([notice.event, notice.others]).toEqual(['exported', 3]);
});

describe('a webhook', () => {
  const webhook = (url: string, more = {}) => ({ url, secretFile: null, sentence: false, ...more });

  test('learns that something waits, and not what, unless its operator says so', async () => {
    const { url, heard } = await listen();
    const first = notify({ webhook: webhook(url) });
    await first.notices.note(asked(1));
    await expect.poll(() => first.told, POLL).toEqual(['webhook sent']);
    rooms.now += 1;
    const second = notify({ webhook: webhook(url, { sentence: true }) });
    await second.notices.note(asked(1));
    await expect.poll(() => second.told, POLL).toEqual(['webhook sent']);
    const sentences = heard.map(({ body }) => (JSON.parse(body) as Notice).sentence);
    expect(sentences).toEqual([null, SENTENCE]);
    expect(heard[0]!.body).not.toContain('BTC');
  });

  test('with a secret carries an HMAC over time and body, and the secret itself nowhere', async () => {
    const { url, heard } = await listen();
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'canary-of-the-webhook\n', { mode: 0o600 });
    await callWebhook(webhook(url, { secretFile }), NOTICE, never);
    const [{ body, headers }] = heard as [Heard];
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['ckm-signature']))!;
    expect(createHmac('sha256', 'canary-of-the-webhook').update(`${seconds}.${body}`).digest('hex')).toBe(
      mac,
    );
    expect(JSON.stringify(heard)).not.toContain('canary');
  });

  test('whose secret others may read sends nothing', async () => {
    const { url, heard } = await listen();
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'canary-of-the-webhook\n');
    chmodSync(secretFile, 0o644);
    await expect(callWebhook(webhook(url, { secretFile }), NOTICE, never)).rejects.toMatchObject({
      code: 'KEY_FILE_EXPOSED',
    });
    expect(heard).toEqual([]);
  });

  test('that sends its visitors elsewhere is not followed', async () => {
    const elsewhere = await listen();
    const { url } = await listen(307, { location: elsewhere.url });
    await expect(callWebhook(webhook(url), NOTICE, never)).rejects.toMatchObject({
      code: 'NOTICE_WEBHOOK_REFUSED',
    });
    expect(elsewhere.heard).toEqual([]);
  });

  test('goes through the web proxy that the environment names, and to this machine past it', async () => {
    const proxy = await listen();
    const { url, heard } = await listen();
    vi.stubEnv('HTTP_PROXY', new URL(proxy.url).host);
    await callWebhook(webhook('http://notices.example/secret-path'), NOTICE, never);
    await callWebhook(webhook(url), NOTICE, never);
    expect(proxy.heard.map(({ headers }) => headers.host)).toEqual(['notices.example']);
    expect(heard).toHaveLength(1);
  });

  test('goes past no proxy of another kind, and says so', async () => {
    vi.stubEnv('HTTP_PROXY', 'socks5://127.0.0.1:9');
    const { notices, told } = notify({ webhook: webhook('http://notices.example/') });
    await notices.note(asked(1));
    await expect.poll(() => told, POLL).toEqual(['webhook WEB_PROXY_UNSUPPORTED']);
  });

  test('that never answers, or where nobody listens, keeps nobody waiting', async () => {
    const silent = createServer(() => undefined);
    listening.push(silent);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    await expect(callWebhook(webhook(url), NOTICE, never, 200)).rejects.toMatchObject({
      code: 'NOTICE_TIMEOUT',
    });
    const { notices, told } = notify({ webhook: webhook('http://127.0.0.1:1/') });
    await notices.note(asked(1));
    await expect.poll(() => told, POLL).toEqual(['webhook NOTICE_WEBHOOK_UNREACHABLE']);
  });
});
