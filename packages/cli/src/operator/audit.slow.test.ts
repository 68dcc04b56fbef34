import { copyFileSync, rmSync } from 'node:fs';
import { encodeUtf8, secret } from '@ckm/foundation';
import {
  connectOperator,
  initServer,
  type RunningServer,
  startServer,
  type StartServerOptions,
} from '@ckm/server';
import { openDatabaseFile } from '@ckm/server/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Scratch, scratchFolder } from '../test/run-ckm.js';
import { startServerProcess } from '../test/run-server.js';

/** What it costs to try a passphrase: here it is not what is tested. */
const CHEAP = { logN: 10, r: 8, p: 1 };

let scratch: Scratch;
let folder: string;
let server: RunningServer | undefined;

beforeEach(() => {
  scratch = scratchFolder();
  folder = `${scratch.path}/alpha`;
});
afterEach(async () => {
  await server?.close();
  scratch.remove();
});

const audit = (word: string, ...flags: string[]) => callCkm(['server', 'audit', word, folder, ...flags]);

async function invite(...notes: readonly string[]): Promise<void> {
  for (const note of notes) await connectOperator(folder).createInvite({ note });
}

/** A server that has something to tell: it invited three people. */
async function withHistory(phrase?: string): Promise<void> {
  const passphrase = () => (phrase === undefined ? {} : { passphrase: secret(encodeUtf8(phrase)) });
  const settings = { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } };
  await initServer({ dataDir: folder, settings, ...passphrase(), passphraseCost: CHEAP });
  await start(passphrase());
  await invite('Ann', 'Ben', 'Cleo');
}

async function start(more: Pick<StartServerOptions, 'passphrase'> = {}): Promise<void> {
  const variables = { CKM_ALLOW_INSPECT: '1' };
  server = await startServer({
    dataDir: folder,
    variables,
    logDestination: { write: () => undefined },
    ...more,
  });
}

function tamper(statement: string, ...values: unknown[]): void {
  const database = openDatabaseFile(`${folder}/ckm.sqlite`);
  try {
    expect(database.prepare(statement).run(...values).changes).toBeGreaterThan(0);
  } finally {
    database.close();
  }
}

describe('the audit log of a server', () => {
  test('tells what was done, and holds while it runs and after', async () => {
    await withHistory();
    const shown = await audit('show');
    expect(shown.stdout).toMatch(/Start the server/);
    expect(shown.stdout.match(/Invite somebody {2}\(invite [0-9a-f]{8} · (Ann|Ben|Cleo)\)/g)).toHaveLength(3);
    expect((await audit('show', '--limit', '2')).stdout).toMatch(/ · Ben\)\n.* · Cleo\)\n$/);
    const lines = JSON.parse(
      (await audit('show', '--from', '2', '--limit', '1', '--json')).stdout,
    ) as unknown[];
    expect(lines).toMatchObject([{ sequence: 2, deed: 'operator.invite', detail: 'Ann', verdict: 'done' }]);
    const running = JSON.parse((await audit('verify', '--json')).stdout) as { entries: number; head: string };
    expect(running).toMatchObject({ ok: true, entries: 4 });
    await server!.close();
    const stopped = await audit('verify');
    expect(stopped.status).toBe(0);
    expect(stopped.stdout).toBe(`the audit log holds: 4 entries, head ${running.head}\n`);
  });

  test.each([
    ['loses its last entry', 'delete from audit where sequence = (select max(sequence) from audit)'],
    ['loses one in the middle', 'delete from audit where sequence = 2'],
    [
      'has an entry that was written over with another one',
      'update audit set sealed = (select sealed from audit where sequence = 2) where sequence = 3',
    ],
    ['has a hash that was changed', 'update audit set hash = zeroblob(32) where sequence = 3'],
  ])('V64: no longer holds when it %s', async (_what, statement) => {
    await withHistory();
    await server!.close();
    tamper(statement);
    const found = await audit('verify', '--json');
    expect([found.status, errorOf(found).code]).toEqual([74, 'AUDIT_BROKEN']);
    expect(JSON.parse(found.stdout)).toMatchObject({ error: { facts: { why: expect.any(String) } } });
  });

  test('V64: put back to an earlier state of the database, it says so', async () => {
    await withHistory();
    await server!.close();
    copyFileSync(`${folder}/ckm.sqlite`, scratch.file('earlier', ''));
    await start();
    await invite('Dan');
    await server!.close();
    for (const name of ['ckm.sqlite', 'ckm.sqlite-wal', 'ckm.sqlite-shm'])
      rmSync(`${folder}/${name}`, { force: true });
    copyFileSync(`${scratch.path}/earlier`, `${folder}/ckm.sqlite`);
    expect(errorOf(await audit('verify')).code).toBe('AUDIT_BROKEN');
    // As whoever starts it at a console sees it.
    const started = await startServerProcess(folder);
    try {
      expect((await audit('show')).stdout).toMatch(/put back to an earlier state/);
      const { status, stdout } = await audit('verify');
      expect(status).toBe(0);
      expect(stdout).toMatch(
        /^the audit log holds from entry 6 to 6, head [0-9a-f]{64}\nentries are missing before entry 6, of .*: the log had 6 entries and has 4\n$/,
      );
    } finally {
      await started.stop();
    }
    expect(started.stdout() + started.stderr()).toMatch(
      /^\S+ \S+ UTC +error +data is lost: the database was put back to an earlier state/m,
    );
  });

  test('of a server under a passphrase is read with it alone', async () => {
    const flags = ['--passphrase-file', scratch.file('passphrase', 'harbour seven candles\n')];
    await withHistory('harbour seven candles');
    await server!.close();
    expect((await audit('verify', ...flags)).status).toBe(0);
    expect(errorOf(await audit('verify')).code).toBe('INPUT_NEEDED');
    const wrong = await audit('verify', '--passphrase-file', scratch.file('wrong', 'harbour six candles\n'));
    expect([wrong.status, errorOf(wrong).code]).toEqual([77, 'PASSPHRASE_WRONG']);
    await start();
    const sealed = await audit('verify');
    expect([sealed.status, errorOf(sealed).code]).toEqual([69, 'SERVER_SEALED']);
  });
});
