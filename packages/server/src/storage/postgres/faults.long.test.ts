// @module-tag long
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { person } from '../../test/rooms.js';
import { startTestServer, type TestClient } from '../../test/test-server.js';
import type { Storage } from '../storage.js';
import { openPostgres } from './postgres.js';

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';
const IN_FLIGHT = 8;
const PATIENCE = { timeout: 20_000, interval: 20 };

/** What may happen to a database under a server, and whether somebody has to start it again. */
const FAULTS = [
  { name: 'whose connections an administrator ends', strike: 'disconnect' },
  { name: 'that is restarted', strike: 'fast' },
  { name: 'that is stopped at once', strike: 'immediate' },
  { name: 'that is killed', strike: 'killed' },
] as const;

/** Whatever a test leaves unheard ends a server. */
const unheard: unknown[] = [];
const hear = (error: unknown) => void unheard.push(error);

describe.skipIf(!isHere)(`a PostgreSQL that goes away under a busy server${reason}`, () => {
  let cluster: PostgresCluster;
  const cleanUps: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    cluster = await startPostgres();
    process.on('uncaughtException', hear);
  });
  afterAll(async () => {
    process.off('uncaughtException', hear);
    await cluster.stop();
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
    expect(unheard.splice(0)).toEqual([]);
  });

  const strikeAt = (url: string, how: (typeof FAULTS)[number]['strike']) =>
    how === 'disconnect' ? cluster.disconnectAll(url) : cluster.halt(how);

  /** As many transactions as there are connections, each between its first and its second statement. */
  async function inFlight(storage: Storage) {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let begun = 0;
    const works = Array.from({ length: IN_FLIGHT }, () =>
      storage
        .transact(async ({ meta }) => {
          await meta.find('first');
          begun++;
          await gate;
          await meta.find('second');
        })
        .catch((error: unknown) => error),
    );
    await vi.waitFor(() => expect(begun).toBe(IN_FLIGHT), PATIENCE);
    return { go, outcomes: Promise.all(works) };
  }

  test.each(FAULTS)(
    'transactions on one $name fail with STORAGE_UNREACHABLE, and the next succeeds',
    async ({ strike }) => {
      const url = await cluster.createDatabase();
      const storage = await openPostgres({ url, connections: IN_FLIGHT });
      cleanUps.push(() => storage.close());
      const { go, outcomes } = await inFlight(storage);
      await strikeAt(url, strike);
      go();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true });
      }
      await cluster.resume();
      expect(await storage.transact(({ meta }) => meta.find('first'))).toBeNull();
    },
  );

  test('transactions on one whose machine goes dark without a word end with STORAGE_UNREACHABLE when their time is up, and the next succeeds once it is back', async () => {
    const way = await startWay(cluster.folder);
    const url = way.urlOf(await cluster.createDatabase());
    const storage = await openPostgres({ url, connections: IN_FLIGHT, silenceMs: 1_500 });
    cleanUps.push(
      async () => way.close(),
      () => storage.close(),
    );
    const { go, outcomes } = await inFlight(storage);
    way.goDark();
    go();
    const unreachable = { code: 'STORAGE_UNREACHABLE', retryable: true };
    for (const outcome of await outcomes) expect(outcome).toMatchObject(unreachable);
    // A new connection gets no answer either.
    const failure = storage.read(({ meta }) => meta.find('dark')).catch((error: unknown) => error);
    expect(await failure).toMatchObject(unreachable);
    way.comeBack();
    expect(await storage.transact(({ meta }) => meta.find('first'))).toBeNull();
  });

  test.each(FAULTS)(
    'a server on one $name says so to eight who ask, and answers as soon as it is back',
    async ({ strike }) => {
      const url = await cluster.createDatabase();
      const variables = { CKM_DATABASE_URL: url, CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'warn' };
      const alpha = await startTestServer({ start: { variables } });
      cleanUps.push(() => alpha.remove());
      const client = await alpha.as(person(1)).join();
      const over = new AbortController();
      const codes = new Set<string>();
      const asking = Array.from({ length: IN_FLIGHT }, async () => {
        for (; !over.signal.aborted; await pause(5)) codes.add(await codeOf(client));
      });
      await vi.waitFor(() => expect(codes).toContain('OK'), PATIENCE);
      await strikeAt(url, strike);
      if (strike !== 'disconnect') {
        await vi.waitFor(() => expect(codes).toContain('STORAGE_UNREACHABLE'), PATIENCE);
        expect((await fetch(`${alpha.server.url}/readyz`)).status).toBe(503);
      }
      await cluster.resume();
      // At once: it waits for nothing. Each connection that broke may fail once more.
      const answers: string[] = [];
      while (answers.at(-1) !== 'OK' && answers.length <= 2 * IN_FLIGHT) answers.push(await codeOf(client));
      expect(answers.at(-1)).toBe('OK');
      over.abort();
      await Promise.all(asking);
      codes.delete('OK');
      expect([...codes].filter((code) => code !== 'STORAGE_UNREACHABLE')).toEqual([]);
      expect(alpha.log()).not.toContain('INTERNAL');
    },
  );
});

/** A way to a database that can go dark: nothing comes through any more, and nobody is told. */
async function startWay(folder: string) {
  let isDark = false;
  const server = createServer((near) => {
    const far = connect(join(folder, '.s.PGSQL.5432'));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => !isDark && to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => isDark || to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (url: string) => `postgres://postgres@127.0.0.1:${port}/${/ckm_[0-9]+/.exec(url)![0]}`,
    goDark: () => void (isDark = true),
    comeBack: () => void (isDark = false),
    close: () => void server.close(),
  };
}

/** What one question is answered: `OK` or the code of a refusal, whether sealed or not. */
async function codeOf(client: TestClient): Promise<string> {
  try {
    await client.ask('key.list', { after: null });
    return 'OK';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message.replace(/^\d+: /, '');
  }
}
