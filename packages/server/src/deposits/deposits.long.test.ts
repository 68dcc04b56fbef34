// @module-tag long
import { deviceId, deviceKey, firstDevices, MAX_DEPOSITS, nextDevices, signDevices } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { QUARANTINE_SECONDS } from '../devices/quarantine.js';
import { TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers } from '../sessions/test/bare-servers.js';
import { person, random } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';

const network = createBareServers();
const servers: TestServer[] = [];
afterEach(async () => {
  await network.close();
  for (const server of servers.splice(0)) await server.remove();
});

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const hasPostgres = postgresPrograms() !== null;
const AT_ONCE = 8;

describe.each(hasPostgres ? ['SQLite', 'PostgreSQL'] : ['SQLite'])('on %s', (kind) => {
  let cluster: PostgresCluster | undefined;
  beforeAll(async () => {
    if (kind === 'PostgreSQL') cluster = await startPostgres();
  }, 120_000);
  afterAll(() => cluster?.stop());

  test('of shares that come at once for the last places as many are kept as there are places, and the same one is kept once', async () => {
    const url = await cluster?.createDatabase();
    const place: Readonly<Record<string, string>> = url === undefined ? {} : { CKM_DATABASE_URL: url };
    const variables = { CKM_LOG_LEVEL: 'debug', CKM_ALLOW_INSPECT: '1', ...place };
    const alpha = await startTestServer({
      settings: { quota: { requestsPerMinute: 10_000 } },
      start: { variables },
    });
    servers.push(alpha);
    const hers = await alpha.as(person(1)).join();
    const store = (data: Uint8Array) => hers.ask('share.store', { data });
    const same = random(40);
    const first = await Promise.all(Array.from({ length: AT_ONCE }, () => store(same)));
    for (const one of first) expect(one).toEqual(first[0]);
    for (let i = 1; i < MAX_DEPOSITS - 2; i++) await store(random(32));
    const said = await Promise.all(Array.from({ length: AT_ONCE }, () => code(store(random(32)))));
    expect(said.toSorted()).toEqual([
      'OK',
      'OK',
      ...Array.from({ length: AT_ONCE - 2 }, () => 'QUOTA_SHARES'),
    ]);
    const { shares } = await hers.ask('share.list', {});
    expect(shares).toHaveLength(MAX_DEPOSITS);
    // Two deletions of one share: one of them had it.
    const receipts = [first[0]!.receipt];
    const gone = await Promise.all([1, 2].map(() => hers.ask('share.delete', { receipts })));
    expect(gone.flatMap(({ deleted }) => deleted)).toHaveLength(1);
  }, 120_000);
});

test('P2: a device that manages deletes shares when it is not young any more', async () => {
  let now = TEST_TIME;
  const server = await network.open({ now: () => now });
  const words = await server.as(alice);
  const laptop = createIdentity(secret(new Uint8Array(32).fill(101)), alice.xid);
  const before = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const next = nextDevices(before, [deviceKey(laptop.publicKeys, ['manage'])], deviceId(alice.publicKeys));
  await words.call('device.update', { documents: [signDevices(next, alice)] });
  const { receipt } = await words.call('share.store', { data: random(50) });
  const remove = () => server.asDevice(laptop).call('share.delete', { receipts: [receipt] });
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 1_200) {
      now += Math.min(1_200, left);
      await server.sessions.sweep();
    }
  };
  await pass(QUARANTINE_SECONDS - 3_600);
  expect(await code(remove())).toBe('DEVICE_TOO_YOUNG');
  await pass(7_200);
  expect(await remove()).toEqual({ deleted: [receipt] });
}, 120_000);
