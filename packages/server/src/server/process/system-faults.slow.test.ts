import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readPrivateFile, writePrivateFile } from '../../vault/key-file.js';
import { fromDriver } from '../../storage/codes.js';
import { isCompiled, spawnServer } from '../../test/child-server.js';
import { NOON, person } from '../../test/rooms.js';
import { startTestServer, type TestServer } from '../../test/test-server.js';
import { connectOperator } from '../../control/connect-operator.js';
import { initServer } from '../setup/init-server.js';
import { forbidCoreFiles } from './core-limit.js';

const YEAR = 366 * 86_400;
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

let alpha: TestServer | null = null;
afterEach(async () => {
  await alpha?.remove();
  alpha = null;
});

const failure = (errno: string) => Object.assign(new Error(errno), { code: errno });

describe('what the system says, in words', () => {
  test('too few file descriptors, a file that cannot be opened, a disk for reading only and a full one have codes of their own', () => {
    const drivers = ['EMFILE', 'SQLITE_CANTOPEN', 'SQLITE_READONLY', 'ENOSPC'].map(
      (errno) => (fromDriver(failure(errno)) as { code: string }).code,
    );
    expect(drivers).toEqual([
      'STORAGE_FILES_TOO_MANY',
      'STORAGE_CANNOT_OPEN',
      'STORAGE_READ_ONLY',
      'STORAGE_FULL',
    ]);
  });

  test('a file of the server that cannot be written because a folder lies there is named, and not as a bug', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ckm-'));
    const path = join(folder, 'audit.head');
    mkdirSync(`${path}.new`);
    expect(() => writePrivateFile(path, Uint8Array.of(1))).toThrow(code('FILE_IN_THE_WAY'));
    rmdirSync(`${path}.new`);
    writePrivateFile(path, Uint8Array.of(1));
    expect(readPrivateFile(path)).toEqual(Uint8Array.of(1));
    rmSync(folder, { recursive: true });
  });

  test('a server whose audit.head.new is a folder says so, goes on, and notes the head when it is gone', async () => {
    alpha = await startTestServer();
    const inTheWay = join(alpha.dataDir, 'audit.head.new');
    mkdirSync(inTheWay);
    const client = await alpha.as(person(1)).join();
    await expect(alpha.sweep()).rejects.toThrow(code('FILE_IN_THE_WAY'));
    expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
    rmdirSync(inTheWay);
    await alpha.sweep();
    expect(alpha.log()).not.toContain('"msg":"bug"');
  });
});

describe('a clock', () => {
  test('years ahead of the log is refused at start, unless its operator says that the server rested', async () => {
    alpha = await startTestServer();
    alpha.now = NOON + YEAR + 86_400;
    await expect(alpha.restart()).rejects.toThrow(code('CLOCK_AHEAD'));
    const variables = { CKM_LOG_LEVEL: 'debug', CKM_ALLOW_INSPECT: '1', CKM_ACCEPT_CLOCK: '1' };
    await alpha.restart({ variables });
    expect(alpha.server.phase()).toBe('ready');
    await alpha.restart();
    alpha.now += YEAR - 86_400;
    await alpha.restart();
  });
});

describe('a start', () => {
  test('that meets a stop says that the server is stopping', async () => {
    const server = (alpha = await startTestServer());
    const status = await connectOperator(server.dataDir).status();
    await server.server.close();
    const answering = createServer((_request, response) =>
      response.end(JSON.stringify({ ...status, phase: 'stopping', open: null })),
    );
    await new Promise<void>((resolve) => answering.listen(join(server.dataDir, 'control.sock'), resolve));
    await expect(server.restart()).rejects.toThrow(code('SERVER_STILL_STOPPING'));
    await new Promise((resolve) => answering.close(resolve));
    await server.restart();
  });

  const isLinux = existsSync('/usr/bin/prlimit') && existsSync('/proc/self/limits');
  test.skipIf(!isLinux || !isCompiled)(
    `sets the hard limit of core files to 0, for good (skipped without prlimit, or not compiled)`,
    async () => {
      const dataDir = join(mkdtempSync(join(tmpdir(), 'ckm-')), 'alpha');
      await initServer({
        dataDir,
        settings: { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } },
      });
      const { child, first, end, output } = await spawnServer(dataDir);
      expect(first.phase).toBe('ready');
      const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
      expect(/^Max core file size +(\S+) +(\S+)/m.exec(limits)?.slice(1, 3)).toEqual(['0', '0']);
      expect(output()).not.toContain('ulimit -c 0');
      await end('SIGTERM');
      rmSync(join(dataDir, '..'), { recursive: true });
    },
  );

  test.skipIf(!isLinux)('says whether core files are forbidden', () => {
    expect(forbidCoreFiles()).toBe(true);
  });
});
