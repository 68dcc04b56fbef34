import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { get as httpsGet } from 'node:https';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { startServer } from './start-server.js';
import { createRandom } from '../random.js';
import { initServer } from './setup/init-server.js';
import { verifyAuditLog } from './verify-audit-log.js';
import { openSqlite } from '../storage/sqlite/sqlite.js';
import { isCompiled, spawnServer } from '../test/child-server.js';
import { person, random, tamperWith } from '../test/rooms.js';
import { EPOCH_KEYS_FOLDER } from '../vault/epoch-key-name.js';
import {
  CHEAP,
  PASSPHRASE,
  postTo,
  problemIn,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../test/test-server.js';

const alice = person(1);
const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  cleanUps.push(() => server.remove());
  return server;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ckm-'));
  cleanUps.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function initialised(settings: object = {}): Promise<string> {
  const dataDir = join(folder(), 'alpha');
  const listen = { host: '127.0.0.1', port: 0 };
  await initServer({ dataDir, settings: { name: 'alpha', accounts: 'open', listen, ...settings } });
  return dataDir;
}

const PROPOSAL = {
  kind: 'dkg' as const,
  keyId: new Uint8Array(32).fill(8),
  suite: 'ed25519' as const,
  purpose: 'message',
  quorum: { needed: 2, of: 3 },
  policy: {
    kinds: ['message'],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: false,
    approval: 'automatic' as const,
  },
};

describe('a new server', () => {
  test('keeps every file to itself', async () => {
    const alpha = await start();
    const modes = readdirSync(alpha.dataDir).map((name) => [
      name,
      statSync(join(alpha.dataDir, name)).mode & 0o077,
    ]);
    expect(Object.fromEntries(modes)).toMatchObject({
      'storage.key': 0,
      identity: 0,
      'config.json': 0,
      'ckm.sqlite': 0,
    });
    expect(modes.filter(([, mode]) => mode !== 0)).toEqual([]);
  });

  test('is never made over something else', async () => {
    const dataDir = await initialised();
    const before = readFileSync(join(dataDir, 'storage.key'));
    await expect(initServer({ dataDir, settings: { name: 'bravo' } })).rejects.toMatchObject({
      code: 'DATA_DIR_USED',
    });
    expect(readFileSync(join(dataDir, 'storage.key'))).toEqual(before);
  });

  test('is not half made when its passphrase is too weak', async () => {
    const dataDir = join(folder(), 'alpha');
    const passphrase = secret(encodeUtf8('short'));
    await expect(initServer({ dataDir, settings: { name: 'alpha' }, passphrase })).rejects.toMatchObject({
      code: 'PASSPHRASE_TOO_WEAK',
    });
    expect(() => statSync(dataDir)).toThrow(/ENOENT/);
  });
});

describe('starting', () => {
  test('each wrong setting is named', async () => {
    const dataDir = await initialised();
    const starts = (variables: Record<string, string>) =>
      startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1', ...variables } }).then(
        (server) => server.close().then(() => 'started'),
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      );
    expect(await starts({ CKM_LISTEN: 'nonsense' })).toMatch(/^CONFIG_INVALID CKM_LISTEN/);
    expect(await starts({ CKM_DATABASE_URL: 'mysql://x' })).toMatch(/^CONFIG_INVALID CKM_DATABASE_URL/);
    expect(await starts({ CKM_LOG_LEVEL: 'loud' })).toMatch(/^CONFIG_INVALID log.level/);
    expect(await starts({ CKM_PUBLIC_URL: 'alpha' })).toMatch(/^CONFIG_INVALID publicUrl/);
    expect(await starts({ CKM_TLS_CERTIFICATE: '/nowhere' })).toMatch(/^CONFIG_INVALID tls.keyFile/);
    writeFileSync(join(dataDir, 'config.json'), '{"name":"alpha","limit":{}}');
    expect(await starts({})).toMatch(/^CONFIG_INVALID/);
    writeFileSync(join(dataDir, 'config.json'), '{');
    expect(await starts({})).toMatch(/^CONFIG_INVALID config.json is not JSON/);
    rmSync(join(dataDir, 'config.json'));
    expect(await starts({})).toMatch(/^CONFIG_MISSING/);
    chmodSync(dataDir, 0o755);
    expect(await starts({})).toMatch(/^DATA_DIR_EXPOSED/);
  });

  test('a taken port is named, and nothing stays behind', async () => {
    const alpha = await start();
    const dataDir = await initialised();
    const variables = {
      CKM_ALLOW_INSPECT: '1',
      CKM_LISTEN: new URL(alpha.server.url).host,
      CKM_LOG_LEVEL: 'silent',
    };
    await expect(startServer({ dataDir, variables })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(
        /^cannot listen on .* \(EADDRINUSE\): another server, “alpha”, listens there$/,
      ),
      hint: expect.stringMatching(/CKM_LISTEN.*"listen" in config\.json/),
    });
    expect(readdirSync(dataDir)).not.toContain('control.sock');
  });

  test('a copy of a server that runs is told so, and not to choose another address: it must not run twice', async () => {
    const alpha = await start();
    const copy = join(folder(), 'copy');
    mkdirSync(copy, { mode: 0o700 });
    for (const name of ['config.json', 'identity', 'storage.key'])
      copyFileSync(join(alpha.dataDir, name), join(copy, name));
    const variables = {
      CKM_ALLOW_INSPECT: '1',
      CKM_LISTEN: new URL(alpha.server.url).host,
      CKM_LOG_LEVEL: 'silent',
    };
    const failure = startServer({ dataDir: copy, variables });
    await expect(failure).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('this same server runs there already, out of another folder'),
      hint: expect.not.stringContaining('CKM_LISTEN'),
    });
  });

  test('under a passphrase a server cannot tell, and says that one of its name runs there', async () => {
    const alpha = await start();
    const dataDir = join(folder(), 'alpha');
    const passphrase = secret(encodeUtf8(PASSPHRASE));
    await initServer({ dataDir, settings: { name: 'alpha' }, passphrase, passphraseCost: CHEAP });
    const variables = {
      CKM_ALLOW_INSPECT: '1',
      CKM_LISTEN: new URL(alpha.server.url).host,
      CKM_LOG_LEVEL: 'silent',
    };
    await expect(startServer({ dataDir, variables })).rejects.toMatchObject({
      message: expect.stringContaining('a server that calls itself “alpha” too runs there'),
      hint: expect.stringMatching(/^if it is this same server.*; else set CKM_LISTEN/),
    });
  });

  test('what listens there and is no server is called another program', async () => {
    const dataDir = await initialised();
    const other = createNetServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    cleanUps.push(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const variables = {
      CKM_ALLOW_INSPECT: '1',
      CKM_LISTEN: `127.0.0.1:${port}`,
      CKM_LOG_LEVEL: 'silent',
    };
    await expect(startServer({ dataDir, variables })).rejects.toMatchObject({
      message: expect.stringContaining('another program listens there'),
    });
  });

  test('V64: a database of another server is refused: its rows were sealed with another key', async () => {
    const [alpha, bravo] = [await start(), await start()];
    await alpha.server.close();
    await bravo.server.close();
    cpSync(join(alpha.dataDir, 'ckm.sqlite'), join(bravo.dataDir, 'ckm.sqlite'));
    await expect(bravo.restart()).rejects.toMatchObject({ code: 'STORAGE_KEY_WRONG' });
  });

  test('V64: an identity file of another server is refused', async () => {
    const [alpha, bravo] = [await start(), await start()];
    cpSync(join(alpha.dataDir, 'identity'), join(bravo.dataDir, 'identity'));
    await expect(bravo.restart()).rejects.toMatchObject({ code: 'FILE_TAMPERED' });
  });

  test('V66: a random source that gives zeros, one byte or the same again is refused', async () => {
    const zeros = createRandom((bytes) => bytes.fill(0));
    const sevens = createRandom((bytes) => bytes.fill(7));
    const stuck = createRandom((bytes) => bytes.set(Uint8Array.from(bytes, (_, at) => at)));
    expect(() => zeros(32)).toThrow(
      expect.objectContaining({ errorClass: 'BugError', code: 'RANDOM_BROKEN' }),
    );
    expect(() => sevens(12)).toThrow(expect.objectContaining({ code: 'RANDOM_BROKEN' }));
    stuck(32);
    expect(() => stuck(24)).toThrow(expect.objectContaining({ code: 'RANDOM_BROKEN' }));
    expect(new Set(Array.from({ length: 100 }, () => createRandom()(16).join())).size).toBe(100);
    await expect(start({ start: { fillRandom: (bytes) => bytes.fill(0) } })).rejects.toMatchObject({
      code: 'RANDOM_BROKEN',
    });
  });

  test('V66: when the random source fails later, nothing is sealed or stored with what it gives', async () => {
    let isBroken = false;
    const alpha = await start({
      start: { fillRandom: (bytes) => (isBroken ? bytes.fill(0) : bytes.set(random(bytes.length))) },
    });
    isBroken = true;
    const client = alpha.as(alice);
    const opening = client.seal('account.open', { invite: null }, { introduce: true });
    const answer = await client.post(opening);
    expect([answer.status, problemIn(answer).code]).toEqual([500, 'RANDOM_BROKEN']);
    isBroken = false;
    expect(await connectOperator(alpha.dataDir).accounts()).toEqual({ accounts: [], next: null });
  });
});

describe('stopping', () => {
  test('a request that runs is finished; a new one is told to come back', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('server.describe', {});
    const { hostname, port } = new URL(alpha.server.url);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': message.length,
      expect: '100-continue',
    };
    const sent = request({ hostname, port, method: 'POST', path: '/v1/messages', headers });
    const answered = new Promise<{ status: number | undefined; bytes: Uint8Array }>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode, bytes: new Uint8Array(Buffer.concat(parts)) }),
        );
      });
    });
    // "100 Continue" comes when the server has begun with this request.
    await new Promise((resolve) => {
      sent.on('continue', resolve);
      sent.flushHeaders();
    });
    const closing = alpha.server.close();
    expect(alpha.server.phase()).toBe('stopping');
    expect(problemIn(await postTo(alpha.server, message)).code).toBe('SERVER_STOPPING');
    sent.end(message);
    const { status } = await answered;
    expect(status).toBe(200);
    await closing;
  });

  test('closing twice is closing once, and the log of the last life verifies', async () => {
    const alpha = await start();
    await alpha.as(alice).join();
    await Promise.all([alpha.server.close(), alpha.server.close()]);
    const variables = { CKM_ALLOW_INSPECT: '1' };
    expect(await verifyAuditLog({ dataDir: alpha.dataDir, variables })).toMatchObject({
      ok: true,
      entries: 2,
    });
  });
});

describe('what an attacker with the disk can do', () => {
  test('a truncated audit log is found by the operator, with and without the server', async () => {
    const alpha = await start();
    await alpha.as(alice).join();
    await alpha.server.close();
    tamperWith(join(alpha.dataDir, 'ckm.sqlite'), (database) =>
      database.exec('delete from audit where sequence = 2'),
    );
    expect(await verifyAuditLog({ dataDir: alpha.dataDir })).toMatchObject({ ok: false, brokenAt: 2 });
    await alpha.restart();
    expect(await connectOperator(alpha.dataDir).verifyAudit()).toMatchObject({ ok: false, brokenAt: 2 });
  });

  test('a database put back to an earlier day is noticed at start and stands in the log for ever', async () => {
    const alpha = await start();
    await alpha.server.close();
    cpSync(join(alpha.dataDir, 'ckm.sqlite'), join(alpha.dataDir, 'old'));
    await alpha.restart();
    await alpha.as(alice).join();
    await alpha.server.close();
    for (const suffix of ['-wal', '-shm'])
      rmSync(join(alpha.dataDir, `ckm.sqlite${suffix}`), { force: true });
    cpSync(join(alpha.dataDir, 'old'), join(alpha.dataDir, 'ckm.sqlite'));
    await alpha.restart();
    const lines = await connectOperator(alpha.dataDir).audit();
    expect(lines.map(({ deed, verdict }) => [deed, verdict])).toEqual([
      ['server.start', 'done'],
      ['server.start', 'done'],
      ['server.rollback', 'failed'],
    ]);
    expect(lines[2]!.detail).toBe('the log had 3 entries and has 1');
  });

  test('a session that an older database brings back is over, and says why', async () => {
    const alpha = await start();
    const client = alpha.as(alice);
    await client.join();
    const sessionId = new Uint8Array(32).fill(7);
    const proposed = await client.ask('session.propose', {
      sessionId,
      proposal: PROPOSAL,
      expiresAt: alpha.now + 3_600,
    });
    expect(proposed.state).toBe('accepted');
    await alpha.server.close();
    cpSync(join(alpha.dataDir, 'ckm.sqlite'), join(alpha.dataDir, 'old'));
    await alpha.restart();
    expect((await alpha.as(alice).ask('session.show', { sessionId, after: 0 })).state).toBe('accepted');
    await alpha.server.close();
    cpSync(join(alpha.dataDir, 'old'), join(alpha.dataDir, 'ckm.sqlite'));
    await alpha.restart();
    expect(await alpha.as(alice).ask('session.show', { sessionId, after: 0 })).toMatchObject({
      state: 'cancelled',
      reason: 'the database of this server was put back to an earlier state',
    });
  });

  test('a start that was cut short before it ended what an older database brought back ends it at the next one', async () => {
    const alpha = await start();
    const [client, sessionId] = [await alpha.as(alice).join(), new Uint8Array(32).fill(7)];
    await client.ask('session.propose', { sessionId, proposal: PROPOSAL, expiresAt: alpha.now + 3_600 });
    await alpha.server.close();
    const file = join(alpha.dataDir, 'ckm.sqlite');
    rmSync(join(alpha.dataDir, 'audit.head'));
    let sealed: unknown;
    tamperWith(file, (database) => {
      ({ sealed } = database.prepare('select sealed from sessions').get() as { sealed: unknown });
      database.exec('update sessions set sealed = zeroblob(100)');
    });
    await expect(alpha.restart()).rejects.toMatchObject({ code: 'ROW_TAMPERED' });
    tamperWith(file, (database) => database.prepare('update sessions set sealed = ?').run(sealed));
    await alpha.restart();
    expect((await alpha.as(alice).ask('session.show', { sessionId, after: 0 })).state).toBe('cancelled');
  });

  test('a key file that a process which was killed had half put in place is gone after the next start', async () => {
    const alpha = await start();
    await alpha.server.close();
    const keys = join(alpha.dataDir, EPOCH_KEYS_FOLDER);
    const name = 'ab'.repeat(32);
    const left = [`${name}.new`, `session-${name}.new`, `session-${name}.0123456789abcdef.new`];
    for (const file of [...left, 'of the operator.new'])
      writeFileSync(join(keys, file), 'sealed', { mode: 0o600 });
    await alpha.restart();
    expect(readdirSync(keys)).toEqual(['mark', 'of the operator.new']);
  });

  test('V64: an account row given to somebody else opens nothing', async () => {
    const alpha = await start();
    await alpha.as(alice).join();
    const bob = person(2);
    await alpha.server.close();
    tamperWith(join(alpha.dataDir, 'ckm.sqlite'), (database) =>
      database.prepare('update accounts set xid = ?').run(Buffer.from(bob.xid)),
    );
    await alpha.restart();
    const client = alpha.as(bob);
    const answer = await client.post(client.seal('server.describe', {}));
    expect(problemIn(answer)).toMatchObject({ code: 'ROW_TAMPERED', errorClass: 'StorageError' });
  });

  test('V65: no passphrase, invite code, note or text of a request is in the log, in a problem or in any file', async () => {
    const canaries = [PASSPHRASE, 'canary-note', 'canary-text'];
    const alpha = await start({ isSealed: true, settings: { accounts: 'invite' } });
    await alpha.server.unseal(secret(encodeUtf8(PASSPHRASE)));
    const operator = connectOperator(alpha.dataDir);
    const { code } = await operator.createInvite({ note: 'canary-note' });
    canaries.push(code, code.replaceAll('-', ''));
    const client = await alpha.as(alice).join(code);
    const refusals: string[] = [];
    const refused = (promise: Promise<unknown>) =>
      promise.catch((error: unknown) =>
        refusals.push(JSON.stringify(error), String(error), (error as Error).stack ?? ''),
      );
    await refused(alpha.as(person(2)).join('canary-text'));
    const payload = encodeUtf8('canary-text');
    const [requestId, keyId] = [random(32), random(32)];
    const request = { requestId, keyId, kind: 'canary-text', payload, expiresAt: alpha.now + 50 };
    await refused(client.ask('request.ask', { ...request, attempt: null, epoch: 0, wanted: null }));
    await refused(client.ask('session.cancel', { sessionId: keyId, reason: 'canary-text' }));
    await refused(operator.reject({ requestId: 'abcd', reason: 'canary-text' }));
    await alpha.server.close();
    const files = readdirSync(alpha.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    expect(files.length).toBeGreaterThan(3);
    for (const canary of canaries) {
      expect(alpha.log(), 'log').not.toContain(canary);
      expect(refusals.join(), 'refusals').not.toContain(canary);
      for (const file of files) expect(file.includes(canary)).toBe(false);
    }
    expect(alpha.log()).toContain('message answered');
    expect(refusals.length).toBeGreaterThan(8);
  });
});

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)(`TLS${hasOpenssl ? '' : ' (skipped: openssl is not installed here)'}`, () => {
  test('the server speaks TLS with its own certificate files', async () => {
    const certificates = folder();
    const [keyFile, certificateFile] = [join(certificates, 'key.pem'), join(certificates, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', keyFile, '-out', certificateFile];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'ignore' });
    const alpha = await start({ settings: { tls: { certificateFile, keyFile } } });
    expect(alpha.server.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      const ca = readFileSync(certificateFile);
      httpsGet(`${alpha.server.url}/readyz`, { ca }, (response) => resolve(response.statusCode)).on(
        'error',
        reject,
      );
    });
    expect(status).toBe(200);
    await expect(fetch(`${alpha.server.url.replace('https', 'http')}/readyz`)).rejects.toThrow(
      /fetch failed/,
    );
  });
});

describe.skipIf(!isCompiled)(
  `a server in its own process${isCompiled ? '' : ' (skipped: not compiled)'}`,
  () => {
    async function child(dataDir: string, options: Parameters<typeof spawnServer>[1] = {}) {
      const server = await spawnServer(dataDir, options);
      cleanUps.push(() => server.end('SIGKILL'));
      return server;
    }

    test('what was committed survives SIGKILL, and what was answered is not answered again', async () => {
      const alpha = await start();
      await alpha.server.close();
      const first = await child(alpha.dataDir);
      // The test's own view of the same server: its keys, the child's address.
      const url = first.first.url!;
      const { document } = (await (await fetch(`${url}/v1/identity`)).json()) as { document: string };
      const seen = { ...alpha.server, identity: () => ({ document }) } as unknown as TestServer['server'];
      alpha.server = { ...seen, close: async () => undefined };
      alpha.now = Math.floor(Date.now() / 1_000);
      const client = alpha.as(alice);
      const post = async (base: string, bytes: Uint8Array) => {
        const headers = { 'content-type': 'application/octet-stream' };
        const body = bytes as Uint8Array<ArrayBuffer>;
        const response = await fetch(`${base}/v1/messages`, { method: 'POST', headers, body });
        return { status: response.status, type: null, bytes: new Uint8Array(await response.arrayBuffer()) };
      };
      const opening = client.seal('account.open', { invite: null }, { introduce: true });
      client.read('account.open', await post(url, opening));
      const question = client.seal('server.describe', {});
      client.read('server.describe', await post(url, question));
      expect(await first.end('SIGKILL')).toBeNull();

      const second = await child(alpha.dataDir);
      const again = second.first.url!;
      const replay = await post(again, question);
      expect(() => client.read('server.describe', replay)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
      );
      expect(
        client.read('server.describe', await post(again, client.seal('server.describe', {}))),
      ).toMatchObject({
        name: 'alpha',
      });
      expect(await connectOperator(alpha.dataDir).verifyAudit()).toMatchObject({ ok: true });
      expect(await second.end('SIGTERM')).toBe(0);
      expect(second.output()).toContain('"msg":"stopped"');
    });

    test('a second process on the same data directory, or the same database file, is refused', async () => {
      const dataDir = await initialised();
      await child(dataDir);
      expect((await spawnServer(dataDir)).first.code).toBe('SERVER_RUNNING');
      await expect(openSqlite({ file: join(dataDir, 'ckm.sqlite') })).rejects.toMatchObject({
        code: 'STORAGE_IN_USE',
      });
      await expect(verifyAuditLog({ dataDir })).rejects.toMatchObject({ code: 'STORAGE_IN_USE' });
    });

    test('a process that a debugger could look into is refused, unless the operator allows it', async () => {
      const dataDir = await initialised();
      const codeWith = async (options: Parameters<typeof spawnServer>[1]) =>
        (await spawnServer(dataDir, options)).first.code;
      for (const option of ['--inspect=127.0.0.1:0', '--cpu-prof', '--heap_prof']) {
        expect([option, await codeWith({ node: [option] })]).toEqual([option, 'INSPECTOR_REFUSED']);
      }
      const allowed = await child(dataDir, {
        node: ['--inspect=127.0.0.1:0'],
        env: { CKM_ALLOW_INSPECT: '1' },
      });
      expect(allowed.first.phase).toBe('ready');
    });

    test('a process whose environment lets somebody look into it, or run code in it, is refused as well', async () => {
      const dataDir = await initialised();
      const preload = join(folder(), 'agent.cjs');
      writeFileSync(preload, '');
      const inherited = [
        '--heapsnapshot-signal=SIGUSR2',
        '--max-old-space-size=512 "--heap_prof"',
        '--diagnostic-dir=/tmp',
        '--abort-on-uncaught-exception',
        `--require "${preload}"`,
        `--import=${preload}`,
      ];
      // Two at a time: the machine has no more.
      for (let at = 0; at < inherited.length; at += 2) {
        const pair = inherited.slice(at, at + 2);
        const codes = await Promise.all(
          pair.map(
            async (options) => (await spawnServer(dataDir, { env: { NODE_OPTIONS: options } })).first.code,
          ),
        );
        expect([pair, codes]).toEqual([pair, pair.map(() => 'INSPECTOR_REFUSED')]);
      }
      const harmless = await child(dataDir, { env: { NODE_OPTIONS: '--max-old-space-size=512' } });
      expect(harmless.first.phase).toBe('ready');
    });

    test('SIGUSR1, by which Node opens a debugger, opens none', async () => {
      const dataDir = await initialised();
      const server = await child(dataDir);
      server.child.kill('SIGUSR1');
      expect(await connectOperator(dataDir).status()).toMatchObject({ phase: 'ready' });
      expect(await server.end('SIGTERM')).toBe(0);
      expect(server.output()).not.toContain('Debugger');
    });

    test('shutdown over the socket ends the process with status 0 and removes the socket', async () => {
      const dataDir = await initialised();
      const server = await child(dataDir);
      const exited = new Promise((resolve) => server.child.once('exit', resolve));
      await connectOperator(dataDir).shutdown();
      expect(await exited).toBe(0);
      expect(readdirSync(dataDir)).not.toContain('control.sock');
    });
  },
);
