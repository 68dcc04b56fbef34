import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeCall,
  type IdentityCard,
  type FunctionName,
  type Parameters,
  parseReply,
  type Problem,
  type Result,
} from '@ckm/api';
import { encodeUtf8, secret } from '@ckm/foundation';
import {
  createMessageId,
  type Identity,
  inceptionKeyOf,
  openMessage,
  parseEnvelopeUr,
  type PublicKeys,
  sealMessage,
  type SealMessageArgs,
  verifyXidDocument,
  type Xid,
} from '@ckm/gordian';
import type { ConfigFileInput } from '../config/config-file.js';
import { type RunningServer, startServer, type StartServerOptions } from '../server/start-server.js';
import { initServer } from '../server/setup/init-server.js';
import { NOON, random } from './rooms.js';

export const PASSPHRASE = 'olive canyon ferret';
/** The least that a passphrase may cost. */
export const CHEAP = { logN: 10, r: 8, p: 1 };

/** A real server on a real database and sockets; its clock and its log belong to the test. */
export interface TestServer {
  server: RunningServer;
  readonly dataDir: string;
  /** UnixSeconds. */
  now: number;
  /** What its timer does every few seconds. */
  sweep(): Promise<void>;
  /** Everything it logged. */
  log(): string;
  /** Ends it and starts it again. */
  restart(options?: Partial<StartServerOptions>): Promise<void>;
  /** Somebody who talks to it. */
  as(identity: Identity): TestClient;
  /** A device of somebody, with a key of its own. */
  asDevice(device: Identity): TestClient;
  /** Ends it and removes what it stored. */
  remove(): Promise<void>;
}

export interface TestServerOptions {
  readonly settings?: Partial<ConfigFileInput>;
  readonly isSealed?: boolean;
  /** Instead of one in a temporary folder. */
  readonly dataDir?: string;
  readonly start?: Partial<StartServerOptions>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? join(mkdtempSync(join(tmpdir(), 'ckm-')), 'alpha');
  const lines: string[] = [];
  await initServer({
    dataDir,
    settings: {
      name: 'alpha',
      accounts: 'open',
      listen: { host: '127.0.0.1', port: 0 },
      ...options.settings,
    },
    ...(options.isSealed === true
      ? { passphrase: secret(encodeUtf8(PASSPHRASE)), passphraseCost: CHEAP }
      : {}),
  });
  const start = (more: Partial<StartServerOptions> = {}) =>
    startServer({
      dataDir,
      variables: { CKM_LOG_LEVEL: 'debug', CKM_ALLOW_INSPECT: '1' },
      passphraseCost: CHEAP,
      nowMs: () => test.now * 1_000,
      logDestination: { write: (line: string) => void lines.push(line) },
      ...options.start,
      ...more,
    });
  const test: TestServer = {
    now: NOON,
    dataDir,
    server: undefined as unknown as RunningServer,
    sweep: () => test.server.sweep(),
    log: () => lines.join(''),
    restart: async (more) => {
      await test.server.close();
      test.server = await start(more);
    },
    as: (identity) => clientAt(test, identity),
    asDevice: (device) => clientAt(test, device, { namesKey: true }),
    remove: async () => {
      await test.server.close();
      rmSync(join(dataDir, '..'), { recursive: true, force: true });
    },
  };
  test.server = await start();
  return test;
}

/** What came back over HTTP. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly bytes: Uint8Array;
}

export interface TestClient {
  readonly identity: Identity;
  /** Opens an account and is somebody from then on. */
  join(invite?: string | null): Promise<TestClient>;
  /** A sealed message; `change` lies about any part of it. */
  seal<F extends FunctionName>(
    name: F,
    parameters: Parameters<F>,
    change?: Partial<SealMessageArgs>,
  ): Uint8Array;
  /** Sends bytes, whatever they are. */
  post(bytes: Uint8Array, headers?: Record<string, string>): Promise<Answer>;
  /** @throws CkmError the server's, out of the sealed reply. */
  read<F extends FunctionName>(name: F, answer: Answer): Result<F>;
  /** All of it. */
  ask<F extends FunctionName>(name: F, parameters: Parameters<F>): Promise<Result<F>>;
}

/** The keys of a server as its card shows them. */
export function keysOf(server: Pick<RunningServer, 'identity'>): {
  readonly xid: Xid;
  readonly publicKeys: PublicKeys;
} {
  const document = verifyXidDocument(parseEnvelopeUr(server.identity()!.document))!;
  return { xid: document.xid, publicKeys: inceptionKeyOf(document)!.publicKeys };
}

export async function postTo(
  server: Pick<RunningServer, 'app'>,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await server.app.fetch(
    new Request('http://alpha/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body: bytes as Uint8Array<ArrayBuffer>,
    }),
  );
  const type = response.headers.get('content-type');
  return { status: response.status, type, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** The problem in a refusal that is not sealed. */
export function problemIn({ bytes }: Answer): Problem {
  return JSON.parse(new TextDecoder().decode(bytes)) as Problem;
}

/** Whatever server a client talks to, and what time it is. */
interface Reached {
  readonly server: Pick<RunningServer, 'identity' | 'app'>;
  /** UnixSeconds. */
  readonly now: number;
}

/** Somebody who talks over HTTP to a server in another process. */
export async function clientOf(url: string, identity: Identity): Promise<TestClient> {
  const card = (await (await fetch(`${url}/v1/identity`)).json()) as IdentityCard;
  const app: RunningServer['app'] = {
    fetch: async (request) => fetch(new URL(new URL(request.url).pathname, url), await copyOf(request)),
  };
  const reached = {
    server: { identity: () => card, app },
    get now() {
      return Math.floor(Date.now() / 1_000);
    },
  };
  return clientAt(reached, identity);
}

async function copyOf(request: Request): Promise<RequestInit> {
  return { method: request.method, headers: request.headers, body: await request.arrayBuffer() };
}

/** Somebody who talks to a server of this process. */
export function clientAt(
  test: Reached,
  identity: Identity,
  always: Pick<SealMessageArgs, 'namesKey'> = {},
): TestClient {
  const client: TestClient = {
    identity,
    join: async (invite = null) => {
      const answer = await client.post(client.seal('account.open', { invite }, { introduce: true }));
      client.read('account.open', answer);
      return client;
    },
    seal: (name, parameters, change = {}) =>
      sealMessage({
        sender: identity,
        recipient: keysOf(test.server),
        id: createMessageId(random),
        date: test.now,
        expiresAt: test.now + 60,
        function: name,
        body: encodeCall(name, parameters),
        random,
        ...always,
        ...change,
      }),
    post: (bytes, headers) => postTo(test.server, bytes, headers),
    read: (name, answer) => {
      if (answer.status !== 200) throw new Error(`${answer.status}: ${problemIn(answer).code}`);
      const { body } = openMessage({
        recipient: identity,
        bytes: answer.bytes,
        now: test.now,
        accept: 'reply',
        resolveSender: () => keysOf(test.server).publicKeys,
      });
      return parseReply(name, body);
    },
    ask: async (name, parameters) => client.read(name, await client.post(client.seal(name, parameters))),
  };
  return client;
}
