import { encodeUtf8, secret } from '@ckm/foundation';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { createReporting } from '../events.js';
import { createEchoRoom } from '../sessions/test/echo-room.js';
import { NOON, person, random } from '../test/rooms.js';
import { PASSPHRASE, startTestServer, type TestServer } from '../test/test-server.js';

const servers: TestServer[] = [];
let sealed: TestServer;

beforeAll(async () => {
  sealed = await startTestServer({ isSealed: true });
  servers.push(sealed);
});
afterAll(async () => {
  for (const server of servers) await server.remove();
});

async function gaugesOf({ dataDir }: Pick<TestServer, 'dataDir'>): Promise<Readonly<Record<string, number>>> {
  const text = await connectOperator(dataDir).metrics();
  const lines = [...text.matchAll(/^(ckm_[a-z_]+) ([-0-9.e+]+)$/gm)];
  return Object.fromEntries(lines.map(([, name, value]) => [name, Number(value)]));
}

test('a sealed server says that it is, and nothing of what it cannot count yet', async () => {
  const before = await gaugesOf(sealed);
  expect(before['ckm_sealed']).toBe(1);
  for (const name of [
    'ckm_keys',
    'ckm_accounts',
    'ckm_requests_waiting',
    'ckm_matters_waiting',
    'ckm_tls_certificate_expiry_seconds',
  ])
    expect(before).not.toHaveProperty(name);
  expect(before['ckm_data_free_bytes']).toBeGreaterThan(1_000_000);
  await connectOperator(sealed.dataDir).unseal(secret(encodeUtf8(PASSPHRASE)));
  expect(await gaugesOf(sealed)).toMatchObject({ ckm_sealed: 0, ckm_keys: 0, ckm_accounts: 0 });
});

test('a server tells when its last good backup was made, also after a restart, and an older one does not take its place', async () => {
  const alpha = await startTestServer();
  servers.push(alpha);
  const name = 'ckm_last_backup_timestamp_seconds';
  expect(await gaugesOf(alpha)).not.toHaveProperty(name);
  const operator = connectOperator(alpha.dataDir);
  await operator.keepBackup({ id: 'ab'.repeat(16), takenAt: alpha.now - 100 });
  await operator.keepBackup({ id: 'cd'.repeat(16), takenAt: alpha.now - 200 });
  await alpha.restart();
  expect(await gaugesOf(alpha)).toMatchObject({ [name]: alpha.now - 100 });
  expect((await operator.status()).open!.lastBackupAt).toBe(alpha.now - 100);
  const kept = (await operator.audit()).filter(({ deed }) => deed === 'operator.backup.kept');
  expect(kept.map(({ detail }) => detail)).toEqual(['backup abababab', 'backup cdcdcdcd']);
});

test('a backup that was made while the clock was ahead is not the last one for as long', async () => {
  const alpha = await startTestServer();
  servers.push(alpha);
  const operator = connectOperator(alpha.dataDir);
  const keepAhead = async () => {
    alpha.now += 86_400;
    await operator.keepBackup({ id: 'ab'.repeat(16), takenAt: alpha.now });
    alpha.now -= 86_400;
  };
  const lastAt = async () => (await operator.status()).open!.lastBackupAt;
  await keepAhead();
  await alpha.restart({ variables: { CKM_ALLOW_INSPECT: '1', CKM_ACCEPT_CLOCK: '1' } });
  expect(await lastAt()).toBe(alpha.now);
  await keepAhead();
  await alpha.restart();
  expect(await lastAt()).toBe(alpha.now + 86_400);
  await operator.keepBackup({ id: 'cd'.repeat(16), takenAt: alpha.now - 100 });
  expect(await lastAt()).toBe(alpha.now);
  // A clock that is corrected while the server runs is one that its process has seen ahead.
  await keepAhead();
  await alpha.sweep();
  expect(await lastAt()).toBe(alpha.now);
});

test('a server counts its keys, its accounts and the requests that wait for its operator', async () => {
  const pair: TestServer[] = [];
  const { alpha, signer } = await startWithKey(pair, { approval: 'operator' });
  servers.push(...pair);
  await signer.request(1, { ...messageOf('counted'), requestId: random(32) }, {});
  expect(await gaugesOf(alpha)).toMatchObject({
    ckm_sealed: 0,
    ckm_keys: 1,
    ckm_accounts: 1,
    ckm_requests_waiting: 1,
  });
});

test('a server counts what waits to go out to its operator, and says since when', async () => {
  const settings = { notify: { webhook: { url: 'http://127.0.0.1:1/' } } };
  const server = await startTestServer({ settings, start: { rooms: () => [createEchoRoom()] } });
  servers.push(server);
  const caller = await server.as(person(0xa1)).join();
  const proposal = { kind: 'echo', keyId: random(32), text: 'hello', length: 8 };
  await caller.ask('session.propose', { sessionId: random(32), proposal, expiresAt: NOON + 600 });
  const waiting = { ckm_outbox_waiting: 1, ckm_outbox_failed: 0, ckm_outbox_oldest_timestamp_seconds: NOON };
  expect(await gaugesOf(server)).toMatchObject(waiting);
  await server.restart();
  expect(await gaugesOf(server)).toMatchObject(waiting);
});

test('a server counts the ceremonies that wait for its operator beside the requests', async () => {
  const server = await startTestServer({ start: { rooms: () => [createEchoRoom()] } });
  servers.push(server);
  const caller = await server.as(person(0xa1)).join();
  const proposal = { kind: 'echo', keyId: random(32), text: 'hello', length: 8 };
  await caller.ask('session.propose', { sessionId: random(32), proposal, expiresAt: NOON + 600 });
  expect(await gaugesOf(server)).toMatchObject({ ckm_requests_waiting: 0, ckm_sessions_waiting: 1 });
  expect((await connectOperator(server.dataDir).status()).open).toMatchObject({
    waitingRequests: 0,
    waitingSessions: 1,
  });
});

test('a gauge that cannot be read is left out, and the others are not', async () => {
  const { gauges, metrics } = createReporting({ level: 'silent' });
  let value: number | null = 7;
  gauges.add('first', 'a number, then none', () => value);
  gauges.add('second', 'never one', () => Promise.reject(new Error('the database is away')));
  gauges.add('third', 'always one', () => 3);
  expect(await metrics()).toMatch(/ckm_first 7\n[^]*ckm_third 3\n/);
  value = null;
  const later = await metrics();
  expect(later).toContain('ckm_third 3');
  expect(later).not.toMatch(/^ckm_(first|second) /m);
});
