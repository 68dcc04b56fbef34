// @module-tag long
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient, memoryStore } from '@ckm/client';
import { encodeUtf8, secret } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { type ConfigFileInput, initServer, type RunningServer, startServer } from '@ckm/server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';
import { isWebProxyHere, startWebProxy, trust, type WebProxy, type WebProxyName } from './web-proxy.js';
import { withLikeness } from './with-likeness.js';

/** Of one message, as servers come: `limits.body`. */
const MOST_BYTES = 2_097_152;
const LONG_BYTES = 1_000_000;
/** So long that the message around it is longer than nginx takes by itself. */
const LONGEST_BYTES = 1_048_400;
const HELLO = join(import.meta.dirname, '../../../examples/node/hello.mjs');

interface Example {
  readonly proxy: WebProxyName;
  readonly example: string;
  readonly path: '' | '/ckm';
}
const ROOTS: readonly Example[] = [
  { proxy: 'nginx', example: 'nginx, at the root', path: '' },
  { proxy: 'caddy', example: 'Caddy, at the root', path: '' },
  { proxy: 'caddy', example: 'Caddy, with an authority of its own', path: '' },
];
const BELOW_A_PATH: readonly Example[] = [
  { proxy: 'nginx', example: 'nginx, below a path', path: '/ckm' },
  { proxy: 'caddy', example: 'Caddy, below a path', path: '/ckm' },
];
const EXAMPLES = [...ROOTS, ...BELOW_A_PATH];

const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(['nginx', 'caddy'] as const).filter((name) => !isWebProxyHere(name)).map((name) => `no ${name}`),
];
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(`the proxies of docs/operating.md${reason}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-proxies-'));
  // Processes of their own: a long payload is read in a thread, which needs what was compiled.
  let alpha: ServerProcess;
  let bravo: ServerProcess;
  /** What a test has started, ended after it, the last one first. */
  const started: (() => Promise<void>)[] = [];
  let count = 0;

  beforeAll(async () => {
    alpha = await spawnServer({ name: 'alpha', settings: { trustProxy: true } });
    bravo = await spawnServer({ name: 'bravo' });
  });
  afterEach(async () => {
    for (const end of started.splice(0).toReversed()) await end();
  });
  afterAll(async () => {
    await alpha.remove();
    await bravo.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A server in this process. */
  async function start(settings: Partial<ConfigFileInput> = {}): Promise<RunningServer> {
    const dataDir = join(folder, `server-${++count}`);
    const listen = { host: '127.0.0.1', port: 0 };
    const quiet = { name: 'alpha', accounts: 'open', log: { level: 'silent' } } as const;
    await initServer({ dataDir, settings: { ...quiet, listen, ...settings } });
    const server = await startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1' } });
    started.push(() => server.close());
    return server;
  }

  /** An example in front of a server. */
  async function put(
    { proxy, example, path }: Example,
    server: string,
    changes: Readonly<Record<string, string>> = {},
  ): Promise<WebProxy> {
    const backends = [new URL(server).host];
    const running = await startWebProxy(proxy, { example, backends, changes });
    started.push(() => running.stop());
    return { ...running, url: `${running.url}${path}` };
  }

  /** A new owner, whose alpha is at `url`. @param authority as in `AddServerArgs` */
  async function owner(url: string, authority?: string): Promise<Client> {
    const seed = secret(new Uint8Array(32).fill(++count));
    const client = createClient({ seed, store: memoryStore() });
    started.push(() => client.close());
    await client.addServer({ name: 'alpha', url, ...(authority === undefined ? {} : { authority }) });
    await client.addServer({ name: 'bravo', url: bravo.url() });
    return client;
  }

  const createKey = (client: Client) =>
    client.createKey({
      name: 'notes',
      purpose: 'message',
      quorum: { needed: 2, of: 2 },
      servers: ['alpha', 'bravo'],
    });

  const sign = (client: Client, length: number) =>
    client.sign({
      key: 'notes',
      kind: 'message',
      payload: buildMessageRequest({ domain: 'proxies', bytes: encodeUtf8('a'.repeat(length)) }),
    });

  test.each(EXAMPLES)(
    '$example: an owner opens an account, makes a key and signs a short message and one of a megabyte',
    async (example) => {
      const { url, authority } = await put(example, alpha.url());
      if (authority !== null) {
        const forget = trust(authority);
        started.push(() => Promise.resolve(forget()));
      }
      const client = await owner(url);
      await createKey(client);
      for (const length of [5, LONG_BYTES])
        expect(await sign(client, length)).toMatchObject({ attempts: 1, signers: ['alpha', 'bravo'] });
    },
  );

  test.each(EXAMPLES)(
    '$example: neither metrics nor what operators do is reachable from outside, whatever address is claimed',
    async (example) => {
      const { url, authority } = await put(example, alpha.url());
      const ca = authority === null ? undefined : readFileSync(authority, 'utf8');
      for (const claimed of [{}, { 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }])
        expect(await ask(`${url}/metrics`, { headers: claimed, ca })).toMatchObject({
          status: 403,
          code: 'METRICS_LOCAL',
        });
      for (const path of ['/status', '/requests', '/accounts'])
        expect(await ask(`${url}${path}`, { ca })).toMatchObject({ code: 'ROUTE_UNKNOWN' });
      for (const path of ['/shutdown', '/unseal', '/backup'])
        expect(await ask(`${url}${path}`, { method: 'POST', ca })).toMatchObject({ code: 'ROUTE_UNKNOWN' });
      const socketPath = join(alpha.dataDir, 'control.sock');
      expect((await ask('http://ckm/metrics', { socketPath })).text).toContain('ckm_arithmetic_info');
    },
  );

  test.each(BELOW_A_PATH)(
    '$example: a client that claims other addresses is counted by its own, and another one by another',
    async (example) => {
      const server = await start({ trustProxy: true, limits: { perAddressPerMinute: 3 } });
      const { url } = await put(example, server.url);
      const statuses: number[] = [];
      for (let i = 1; i <= 5; i++) {
        const headers = { 'x-forwarded-for': `192.0.2.${i}, 198.51.100.${i}`, 'x-real-ip': `192.0.2.${i}` };
        statuses.push((await ask(`${url}/v1/identity`, { headers })).status);
      }
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect((await ask(`${url}/v1/identity`, { localAddress: '127.0.0.2' })).status).toBe(200);
    },
  );

  test.each(BELOW_A_PATH)(
    '$example: the longest message arrives, and the server’s own refusals of long ones come back through it',
    async (example) => {
      const server = await start({ trustProxy: true });
      const { url } = await put(example, server.url);
      const post = (length: number) =>
        ask(`${url}/v1/messages`, {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body: new Uint8Array(length).fill(0x61),
        });
      const tooLong = await post(MOST_BYTES + 1);
      expect([tooLong.status, tooLong.code]).toEqual([413, example.proxy === 'nginx' ? '' : 'BODY_TOO_LONG']);
      const codes = new Set<string>();
      for (let i = 0; i < 12; i++) codes.add((await post(MOST_BYTES)).code);
      // Taken in and found to be rubbish, until that address has sent enough of it.
      expect([...codes]).toEqual(['ENVELOPE_INVALID', 'LONG_MESSAGES_REFUSED']);
    },
    60_000,
  );

  test('nginx that was left at its 1 MiB: the owner of a longer message is told what is in between and whom to ask', async () => {
    const { url } = await put(BELOW_A_PATH[0]!, alpha.url(), { 'client_max_body_size 2m;': '' });
    const client = await owner(url);
    await createKey(client);
    await expect(sign(client, LONGEST_BYTES)).rejects.toMatchObject({
      cause: {
        code: 'SERVER_PROXY_ANSWERED',
        message: expect.stringContaining('HTTP 413 with a web page') as string,
        hint: expect.stringContaining('messages of 2 MiB') as string,
      },
    });
    expect(await sign(client, 5)).toMatchObject({ signers: ['alpha', 'bravo'] });
  });

  test.each(BELOW_A_PATH)(
    '$example: while the server is away its owners are told that a proxy does not reach it',
    async (example) => {
      const server = await start({ trustProxy: true });
      const { url } = await put(example, server.url);
      const client = await owner(url);
      await server.close();
      expect(await client.status()).toMatchObject({
        servers: [{ name: 'alpha', isReachable: false, problem: { code: 'SERVER_PROXY_ANSWERED' } }, {}],
      });
      await expect(client.previewServer(url)).rejects.toMatchObject({
        code: 'SERVER_PROXY_ANSWERED',
        message: expect.stringContaining('HTTP 502') as string,
        hint: expect.stringContaining('does not reach it') as string,
      });
    },
  );

  test('nginx, at the root: an address that begins with http where https is spoken is told as one of something in between', async () => {
    const { url } = await put(ROOTS[0]!, alpha.url());
    await expect(owner(url.replace('https:', 'http:'))).rejects.toMatchObject({
      code: 'SERVER_PROXY_ANSWERED',
      hint: expect.stringContaining('begins with https') as string,
    });
  });

  test.each([ROOTS[0]!, ROOTS[2]!])(
    '$example: who does not know its authority is told so; with its certificate, or NODE_EXTRA_CA_CERTS, a program makes a key and signs',
    async (example) => {
      const { url, authority } = await put(example, alpha.url());
      const charlie = await start({ name: 'charlie' });
      await expect(owner(url)).rejects.toMatchObject({
        code: 'SERVER_CERTIFICATE_UNKNOWN',
        hint: expect.stringContaining('certificate of its authority') as string,
      });
      const trusting = await owner(url, readFileSync(authority!, 'utf8'));
      await createKey(trusting);
      expect(await sign(trusting, 5)).toMatchObject({ signers: ['alpha', 'bravo'] });
      const home = join(folder, `owner-${++count}`);
      const told = await withLikeness([url, bravo.url(), charlie.url], readFileSync(authority!, 'utf8'));
      expect(await hello([home, ...told], authority!)).toContain('it verifies');
    },
  );
});

/** Runs the example program of the SDK, which knows one more authority. */
function hello(args: readonly string[], authority: string): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', NODE_EXTRA_CA_CERTS: authority };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [HELLO, ...args], { env, timeout: 50_000 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
    child.stdin!.end('river lamp seven onions\n');
  });
}

interface AskOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly ca?: string | undefined;
  readonly socketPath?: string;
  readonly localAddress?: string;
}
interface Asked {
  readonly status: number;
  readonly text: string;
  /** Of a problem; else empty. */
  readonly code: string;
}

/** One HTTP request as it is, over a connection of its own. */
function ask(url: string, { method = 'GET', body, ...options }: AskOptions = {}): Promise<Asked> {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const call = open(url, { ...options, method, agent: false, path: new URL(url).pathname });
    call.once('error', reject);
    call.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('error', reject);
      response.once('end', () => {
        const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? '';
        resolve({ status: response.statusCode ?? 0, text, code });
      });
    });
    call.end(body);
  });
}
