import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, runCkm, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';
import { type ServerProcess, startServerProcess } from '../test/run-server.js';

let scratch: Scratch;
let folder: string;
const running: ServerProcess[] = [];

beforeEach(() => {
  scratch = scratchFolder();
  folder = `${scratch.path}/alpha`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
  scratch.remove();
});

const NEEDED = { '--name': 'alpha', '--listen': '127.0.0.1:0' };

/** With what it needs, unless `flags` say otherwise. */
function init(...flags: string[]) {
  const missing = Object.entries(NEEDED).filter(([flag]) => !flags.includes(flag));
  return callCkm(['server', 'init', folder, ...missing.flat(), ...flags]);
}

async function start(...flags: string[]): Promise<ServerProcess> {
  const server = await startServerProcess(folder, flags);
  running.push(server);
  return server;
}

const operator = (...words: string[]) =>
  (words[0] === 'start' ? runCkm : callCkm)(['server', ...words[0]!.split(' '), folder, ...words.slice(1)]);
const likenessIn = (text: string) => /[a-z]+(?:-[a-z]+){5}/.exec(text)?.[0];

async function phase(): Promise<string> {
  const { stdout } = await operator('status', '--json');
  return (JSON.parse(stdout) as { phase: string }).phase;
}

describe('a new server', () => {
  test('says who it is when it is made, when it starts, in its status and to everybody who asks', async () => {
    const init = ['server', 'init', folder, ...Object.entries(NEEDED).flat(), '--json'];
    const made = JSON.parse((await runCkm(init)).stdout) as { likeness: { words: string } };
    const server = await start();
    expect(server.stdout()).toMatch(
      /^alpha listens on http:\/\/127\.0\.0\.1:\d+, likeness \S+ [0-9a-f]{8}\n$/,
    );
    expect(likenessIn(server.stdout())).toBe(made.likeness.words);
    const status = (await operator('status')).stdout;
    expect(likenessIn(status)).toBe(made.likeness.words);
    // What a command that starts often leaves for later, a server has loaded before it listens.
    expect(status).toMatch(/ristretto255: libsodium-wasm \(wasm\)/);
    expect(status).not.toContain('(bigint)');
    const card = (await (await fetch(`${server.url}/v1/identity`)).json()) as { name: string };
    expect(card.name).toBe('alpha');
    expect(await server.stop()).toBe(0);
    expect(server.stderr()).toBe('stopped\n');
  });

  test('is its operator’s alone on the disk', async () => {
    await init();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of ['identity', 'storage.key', 'config.json'])
      expect(statSync(`${folder}/${file}`).mode & 0o777).toBe(0o600);
  });

  test('is made in no folder that holds something', async () => {
    await init();
    const before = treeHash(folder);
    const again = await init();
    expect([again.status, errorOf(again).code]).toEqual([64, 'DATA_DIR_USED']);
    expect(treeHash(folder)).toBe(before);
  });

  test('is only shown with --preview', async () => {
    const shown = await init('--preview', '--json', '--accounts', 'open');
    expect(JSON.parse(shown.stdout)).toMatchObject({ preview: true, settings: { accounts: 'open' } });
    expect(existsSync(folder)).toBe(false);
  });

  test.each([
    ['an invalid port', ['--listen', '127.0.0.1:65536'], 'OPTION_INVALID'],
    ['an address without a port', ['--listen', 'localhost'], 'OPTION_INVALID'],
    ['half a TLS pair', ['--tls-certificate', 'cert.pem'], 'OPTION_INVALID'],
    ['a policy nobody knows', ['--accounts', 'friends'], 'OPTION_INVALID'],
    ['a name that moves the cursor', ['--name', 'al\u001b[2Jpha'], 'CONFIG_INVALID', '--name'],
    ['an invalid address for owners', ['--url', 'ftp://alpha'], 'CONFIG_INVALID', '--url'],
  ])('is not made with %s, and nothing changes', async (_what, flags, code, flag = '') => {
    for (const isThere of [false, true]) {
      if (isThere) mkdirSync(folder, { mode: 0o755 });
      const before = treeHash(scratch.path);
      for (const more of [[], ['--preview']]) {
        const refused = await init(...flags, ...more);
        const { code: told, hint } = errorOf(refused);
        expect([refused.status, told]).toEqual([64, code]);
        expect(hint).toContain(flag);
        expect(hint).not.toContain('config.json');
        expect(refused.stdout + refused.stderr).not.toContain('\u001b[2J');
        expect(treeHash(scratch.path)).toBe(before);
      }
    }
  });

  test('is not made where a file is', async () => {
    folder = scratch.file('alpha', 'mine');
    const before = treeHash(scratch.path);
    const refused = await init();
    expect([refused.status, errorOf(refused).code]).toEqual([64, 'DATA_DIR_USED']);
    expect(treeHash(scratch.path)).toBe(before);
  });
});

describe('a server that runs', () => {
  test('ends with status 0 on SIGTERM, SIGINT and ckm server stop', async () => {
    await init();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = await start();
      expect(await server.stop(signal)).toBe(0);
    }
    const server = await start();
    expect((await operator('stop')).status).toBe(0);
    expect(await server.ended).toBe(0);
    const asked = await operator('status');
    expect([asked.status, errorOf(asked).code]).toEqual([69, 'SERVER_NOT_RUNNING']);
  });

  test('names the settings that were changed since its start, and a file that its next start would refuse', async () => {
    await init();
    await start();
    const file = `${folder}/config.json`;
    const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
    expect((await operator('status')).stderr).not.toContain('since this server was started');
    expect((await operator('config show')).stderr).toContain('alpha was started with this config.json');
    writeFileSync(file, JSON.stringify({ ...settings, quota: { keys: 7 }, accounts: 'closed' }));
    for (const words of ['status', 'config show', 'config check'])
      expect((await operator(words)).stderr).toContain(
        'changed since this server was started, and counts from its next start on: accounts, quota.keys\n',
      );
    writeFileSync(file, '{');
    expect((await operator('status')).stderr).toContain(
      `its next start would refuse config.json (CONFIG_INVALID): ckm server config check ${folder}\n`,
    );
  });

  test('tells what was done as it is done; into a pipe without what people wrote', async () => {
    await init();
    const server = await start();
    expect((await operator('invite create', '--note', 'for Mallory')).status).toBe(0);
    await expect
      .poll(server.stderr, { timeout: 10_000 })
      .toMatch(/^\d{4}-\d\d-\d\d [\d:]{8} UTC {2}done +Invite somebody {2}\(invite [0-9a-f]{8}\)$/m);
    expect(server.stderr()).not.toContain('Mallory');
  });

  test('without TLS goes on at SIGHUP', async () => {
    await init();
    const server = await start();
    process.kill(server.pid, 'SIGHUP');
    expect(await phase()).toBe('ready');
    expect(await server.stop()).toBe(0);
  });

  test('killed, starts again as the same one', async () => {
    await init();
    const first = await start();
    const before = likenessIn(first.stdout());
    expect(await first.stop('SIGKILL')).toBe(null);
    expect(existsSync(`${folder}/control.sock`)).toBe(true);
    const second = await start();
    expect(likenessIn(second.stdout())).toBe(before);
    expect(await phase()).toBe('ready');
  });

  test('is the only one of its folder', async () => {
    await init();
    const first = await start();
    const second = await operator('start');
    expect([second.status, errorOf(second).code]).toEqual([64, 'SERVER_RUNNING']);
    expect((await fetch(`${first.url}/v1/identity`)).status).toBe(200);
  });

  test('does not start where others may enter, where something listens, or where no server is', async () => {
    expect(errorOf(await operator('start')).code).toBe('CONFIG_MISSING');
    const other = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await runCkm(['server', 'init', folder, '--name', 'alpha', '--listen', `127.0.0.1:${port}`]);
    const taken = await operator('start');
    expect([taken.status, errorOf(taken).code]).toEqual([64, 'LISTEN_FAILED']);
    other.close();
    chmodSync(folder, 0o750);
    expect(errorOf(await operator('start')).code).toBe('DATA_DIR_EXPOSED');
  });

  test('with --preview is not started, stopped or opened', async () => {
    await init();
    const before = treeHash(folder);
    expect((await operator('start', '--preview')).status).toBe(0);
    expect(treeHash(folder)).toBe(before);
    await start();
    expect((await operator('stop', '--preview')).stdout).toBe('would stop alpha\n');
    expect(await phase()).toBe('ready');
  });

  test('keeps stdout for the log with --log-json', async () => {
    await init();
    const server = await start('--log-json');
    expect(await server.stop()).toBe(0);
    const lines = server.stdout().trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'arithmetic',
      'started',
      'stopped',
    ]);
    expect(server.stderr()).toMatch(/^alpha listens on /);
  });
});

describe.skipIf(!hasProgram('openssl', 'version'))('with TLS (needs openssl)', () => {
  const files = () => ({ cert: `${scratch.path}/cert.pem`, key: `${scratch.path}/key.pem` });

  function makeCertificate(name: string): void {
    const { cert, key } = files();
    const pair = ['-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-days', '2', '-nodes'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync('openssl', ['req', ...kind, ...pair], { stdio: 'ignore' });
  }

  async function startWithTls(): Promise<ServerProcess> {
    makeCertificate('localhost');
    const { cert, key } = files();
    await init('--tls-certificate', cert, '--tls-key', key);
    return start();
  }

  /** Whose certificate a server shows to somebody who connects now. */
  function nameShown(server: ServerProcess): Promise<string> {
    const { hostname: host, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  test('a server speaks https with the certificate it was given', async () => {
    const server = await startWithTls();
    expect(server.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      const options = { ca: readFileSync(files().cert), servername: 'localhost' };
      request(`${server.url}/v1/identity`, options, ({ statusCode }) => resolve(statusCode))
        .once('error', reject)
        .end();
    });
    expect(status).toBe(200);
    expect(server.stderr()).not.toContain('TLS key');
  });

  test('on SIGHUP a server shows its renewed certificate; one that is damaged it does not take', async () => {
    const server = await startWithTls();
    expect(await nameShown(server)).toBe('localhost');
    makeCertificate('renewed');
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(() => nameShown(server), { timeout: 10_000 }).toBe('renewed');

    // A new certificate whose key is not there yet, as between the two steps of a renewal.
    const { key } = files();
    const old = readFileSync(key);
    makeCertificate('half');
    writeFileSync(key, old);
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(server.stderr, { timeout: 10_000 }).toMatch(/cannot be used, the old one stays/);
    expect(await nameShown(server)).toBe('renewed');
    expect(await phase()).toBe('ready');
  });

  test('a TLS key that others may read is pointed out', async () => {
    const server = await startWithTls();
    chmodSync(files().key, 0o644);
    process.kill(server.pid, 'SIGHUP');
    await expect
      .poll(server.stderr, { timeout: 10_000 })
      .toMatch(/others on this machine may read the TLS key/);
    expect(await server.stop()).toBe(0);
    expect((await start()).stderr()).toMatch(/others on this machine may read the TLS key/);
  });
});
