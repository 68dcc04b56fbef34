import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type CkmError, fromFileSystem, StorageError } from '@ckm/foundation';
import { type Callee, createCeremony } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { person } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';
import { EPOCH_KEYS_FOLDER } from '../vault/epoch-key-name.js';
import { toldProblem } from './told-problem.js';

const PLACE = '/srv/ckm/alpha/storage.key';
const SOURCE = join(import.meta.dirname, '..');

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/test(ing)?\//.test(path));
}

const errno = (code: string) =>
  Object.assign(new Error(`${code}: ${PLACE}`), { code, path: PLACE, syscall: 'open' });

describe('what an owner is told of an error of the disk', () => {
  const codes = new Set(
    sourceFiles(SOURCE).flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\b(?:vaultError|storageError|lostFile)\(\s*'([A-Z_]+)'/g)].map(
        ([, code]) => code!,
      ),
    ),
  );
  /** What stands in the words of these is the same everywhere. */
  const SAID = ['EPOCH_KEY_MISSING', 'ROW_TAMPERED', 'STORAGE_BUSY'];

  test('names no place, whatever it is, and keeps its code', () => {
    expect(codes.size).toBeGreaterThan(20);
    for (const code of codes) {
      if (SAID.includes(code)) continue;
      const error = new StorageError(`${PLACE} is damaged`, {
        code,
        hint: `run: chmod 600 ${PLACE}`,
        remedy: { kind: 'restoreServer' },
        facts: { file: PLACE },
        cause: errno('EACCES'),
      });
      const problem = toldProblem(error);
      expect(problem).toMatchObject({ code, status: error.httpStatus, facts: {} });
      expect(JSON.stringify(problem), code).not.toContain('/srv');
    }
  });

  test.each(['ENOSPC', 'EROFS', 'EACCES', 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EMFILE', 'EIO'])(
    'says of %s what kind of fault it is, as the operator reads it',
    (code) => {
      const error = fromFileSystem(errno(code)) as CkmError;
      expect(error.message).toContain(PLACE);
      const problem = toldProblem(error);
      expect(problem.title).toBe(error.message.replace(PLACE, 'a file of this server'));
      expect(JSON.stringify(problem)).not.toContain('/srv');
    },
  );

  test('no error of another class names a place, in any room that answers owners', () => {
    const rooms = ['accounts', 'audit', 'crafts', 'messages', 'policy', 'requests', 'sessions', 'turns'];
    const naming = rooms
      .flatMap((room) => sourceFiles(join(SOURCE, room)))
      .filter((path) => /\$\{(path|file|folder|dataDir|databaseUrl)\b/.test(readFileSync(path, 'utf8')));
    expect(naming).toEqual([]);
  });
});

describe('a server whose files are damaged under it', () => {
  let servers: TestServer[];
  let callers: Callee[];
  beforeAll(async () => {
    servers = [await startTestServer(), await startTestServer()];
    callers = await Promise.all(
      servers.map(async (server, i) => {
        const client = await server.as(person(1)).join();
        return { name: `server ${i}`, call: (name, parameters) => client.ask(name, parameters) };
      }),
    );
  });
  afterAll(async () => {
    for (const server of servers) await server.remove();
  });

  afterEach(repair);

  const folder = () => join(servers[0]!.dataDir, EPOCH_KEYS_FOLDER);
  /** The key of a ceremony. */
  const keyFile = () =>
    join(
      folder(),
      readdirSync(folder()).find((name) => name.startsWith('session-'))!,
    );

  test.each<[string, string, () => void]>([
    ['others may read the key of a ceremony', 'KEY_FILE_EXPOSED', () => chmodSync(keyFile(), 0o644)],
    ['the key of a ceremony is garbled', 'FILE_TAMPERED', () => writeFileSync(keyFile(), new Uint8Array(90))],
    [
      'the key of a ceremony is as long as a disk',
      'KEY_FILE_DAMAGED',
      () => writeFileSync(keyFile(), new Uint8Array(1_000_000)),
    ],
    ['a folder is in the place of the key of a ceremony', 'FILE_IN_THE_WAY', () => inPlaceOf(keyFile())],
    ['the folder of all keys is gone', 'EPOCH_KEY_MISSING', () => renameSync(folder(), `${folder()}.away`)],
  ])('%s: its owner is told %s without a place, its operator with it', async (_, code, damage) => {
    const server = servers[0]!;
    const ceremony = createCeremony({ servers: callers, expiresAt: server.now + 600 });
    while ((await ceremony.next())?.call !== 'join');
    damage();
    const error: unknown = await ceremony.finish().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    const { message, hint, facts } = error as CkmError;
    expect(JSON.stringify([message, hint, facts])).not.toMatch(/ckm-|\/|chmod/);
    const failures = server
      .log()
      .split('\n')
      .filter((line) => line.includes('file failed: '));
    const logged = failures.filter((line) => line.includes(`"code":"${code}"`)).join('');
    expect(logged).toContain(code === 'EPOCH_KEY_MISSING' ? 'does not find the key' : EPOCH_KEYS_FOLDER);
  });

  function inPlaceOf(path: string): void {
    rmSync(path);
    mkdirSync(path);
  }

  function repair(): void {
    const away = `${folder()}.away`;
    if (statSync(away, { throwIfNoEntry: false }) !== undefined) renameSync(away, folder());
    for (const name of readdirSync(folder()))
      if (name.startsWith('session-')) rmSync(join(folder(), name), { recursive: true });
  }
});
