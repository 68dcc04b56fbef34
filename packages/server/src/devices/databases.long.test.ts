// @module-tag long
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';
import { beginWithDevices } from './test/removed-device.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});
const hasPostgres = postgresPrograms() !== null;
const ROUNDS = 6;
const AT_ONCE = 8;

describe.each(hasPostgres ? ['SQLite', 'PostgreSQL'] : ['SQLite'])('on %s', (kind) => {
  let cluster: PostgresCluster | undefined;
  beforeAll(async () => {
    if (kind === 'PostgreSQL') cluster = await startPostgres();
  }, 120_000);
  afterAll(() => cluster?.stop());

  async function start(): Promise<void> {
    const url = await cluster?.createDatabase();
    const place: Readonly<Record<string, string>> = url === undefined ? {} : { CKM_DATABASE_URL: url };
    const variables = { CKM_LOG_LEVEL: 'debug', CKM_ALLOW_INSPECT: '1', ...place };
    servers.push(await startTestServer({ settings: { name: 'alpha' }, start: { variables } }));
    servers.push(await startTestServer({ settings: { name: 'bravo' } }));
  }

  test('what a device has begun ends with it, and what others have begun goes on', async () => {
    await start();
    const begun = await beginWithDevices(servers);
    await begun.removeLaptop();
    expect(await begun.requests()).toEqual(['cancelled', 'cancelled', 'waiting', 'waiting']);
    expect(await begun.sessions()).toEqual(['cancelled', 'accepted', 'accepted']);
  }, 120_000);

  test('P1: of what a device asks for while it is being removed nothing waits, or is taken in, behind its removal', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await start();
      const begun = await beginWithDevices(servers);
      const ids = Array.from({ length: AT_ONCE }, () => random(32));
      const settled = await Promise.allSettled([
        ...ids.slice(0, AT_ONCE / 2).map((id) => begun.ask(begun.laptop, id)),
        begun.removeLaptop(),
        ...ids.slice(AT_ONCE / 2).map((id) => begun.ask(begun.laptop, id)),
      ]);
      const removal = settled[AT_ONCE / 2]!;
      expect(removal).toMatchObject({ status: 'fulfilled' });
      const asked = settled.filter((one) => one !== removal);
      for (const [i, outcome] of asked.entries()) {
        if (outcome.status === 'fulfilled') expect(await begun.stateOf(ids[i]!)).toBe('cancelled');
        else expect(String(outcome.reason)).toMatch(/MESSAGE_NOT_AUTHENTICATED|not from anybody/);
      }
      await expect(begun.ask(begun.laptop, random(32))).rejects.toThrow('MESSAGE_NOT_AUTHENTICATED');
      for (const server of servers.splice(0)) await server.remove();
    }
  }, 300_000);
});
