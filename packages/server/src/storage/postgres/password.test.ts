import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTestServer } from '../../test/test-server.js';

const CANARY = 'canary-pass';
let database: Server;
let folder: string;
let told: string[];

/** A field of PostgreSQL's protocol: type, length, content. Source: PostgreSQL, "Message Formats". */
function message(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length + 4);
  return Buffer.concat([Buffer.from(type), length, content]);
}

/** Asks whoever connects for a password, notes it, and refuses it. */
function refuse(socket: Socket): void {
  let isIntroduced = false;
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    if (!isIntroduced) {
      isIntroduced = true;
      const cleartext = Buffer.from([0, 0, 0, 3]);
      socket.write(message('R', cleartext));
      return;
    }
    told.push(data.subarray(5, -1).toString());
    const fields = 'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "ckm"\0\0';
    socket.end(message('E', Buffer.from(fields)));
  });
}

beforeEach(async () => {
  told = [];
  folder = mkdtempSync(join(tmpdir(), 'ckm-pgpass-'));
  database = createServer(refuse).listen(0, '127.0.0.1');
  await once(database, 'listening');
});
afterEach(() => {
  vi.unstubAllEnvs();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a server on that database, which fails; everything anybody could read of it. */
async function failure(userInfo: string): Promise<string> {
  const { port } = database.address() as AddressInfo;
  const log: string[] = [];
  const variables = {
    CKM_ALLOW_INSPECT: '1',
    CKM_LOG_LEVEL: 'debug',
    CKM_DATABASE_URL: `postgres://${userInfo}@127.0.0.1:${port}/ckm`,
  };
  const logDestination = { write: (line: string) => void log.push(line) };
  const error: unknown = await startTestServer({ start: { variables, logDestination } }).catch(
    (e: unknown) => e,
  );
  return `${inspect(error, { depth: 10, showHidden: true })} ${log.join('')}`;
}

test('V65: a password in the address of the database is in no log and in no error, whatever the database says', async () => {
  const seen = await failure(`ckm:${CANARY}`);
  expect(told).toEqual([CANARY]);
  expect(seen).toContain('STORAGE_UNREACHABLE');
  expect(seen).not.toContain(CANARY);
});

test('the password may lie in the file that PostgreSQL’s own programs read, for its owner only', async () => {
  const file = join(folder, 'pgpass');
  const { port } = database.address() as AddressInfo;
  writeFileSync(file, `127.0.0.1:${port}:ckm:ckm:${CANARY}\n`, { mode: 0o600 });
  vi.stubEnv('PGPASSFILE', file);
  const seen = await failure('ckm');
  expect(told).toEqual([CANARY]);
  expect(seen).not.toContain(CANARY);
});
