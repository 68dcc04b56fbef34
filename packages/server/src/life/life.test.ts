import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceId, deviceKey, firstKeyDevices, nextDevices, signAlive, signDevices } from '@ckm/api';
import { compareBytes, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import { type BareServer, TEST_TIME, testPerson } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, mallory } from '../sessions/test/bare-servers.js';
import { SQLITE_FILE } from '../server/database/open-storage.js';
import { letIn } from '../sessions/test/listed-device.js';
import { giveTerms } from '../sessions/test/given-terms.js';
import { tamperWith } from '../test/rooms.js';

const DAY = 86_400;
const STEP = 1_200;
const network = createBareServers();
let now = TEST_TIME;
afterEach(async () => {
  now = TEST_TIME;
  await network.close();
});

const someone = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
const [owner, laptop, eve] = [someone(1), someone(2), someone(3)];
const terms = {
  ownerKey: owner.publicKeys.signing.bytes,
  approvers: [
    { name: 'eve', xid: eve.xid, keys: [{ kind: 'ed25519' as const, key: eve.publicKeys.signing.bytes }] },
  ],
  silence: { afterSeconds: 30 * DAY, grants: [{ who: 'eve', may: ['use' as const] }] },
};
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

/** A key of two servers whose terms let eve use it after thirty days; and somebody else who carries things. */
async function open() {
  const { servers, callers } = await network.openMany(2, { now: () => now });
  const { keyId } = await makeKey(callers);
  for (const { context } of servers) await giveTerms(context, alice.xid, keyId, terms);
  const alpha = servers[0]!;
  const carrier = await alpha.as(mallory);
  const carry = (signer: typeof owner, number: number, key = keyId) =>
    carrier.call('alive.carry', { alive: signAlive(signer, { keyId: key, number }) });
  return { alpha, servers, her: callers[0]!, keyId, carry };
}

/** The server runs on. */
async function pass(server: BareServer, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= STEP) {
    now += Math.min(STEP, left);
    await server.sessions.sweep();
  }
}
const silentAt = async (server: BareServer, keyId: Uint8Array) =>
  (await (await server.as(alice)).call('key.life', { keyId })).silence?.silentSeconds ?? null;

test('a sign of life of the words or of a listed device, whoever carries it, has silence counted anew; an older one, and one of anybody else, does not', async () => {
  const { alpha, her, keyId, carry } = await open();
  expect(await silentAt(alpha, keyId)).toBeNull();
  expect(await carry(owner, 10)).toEqual({ number: 10 });
  await pass(alpha, 6_000);
  expect(await silentAt(alpha, keyId)).toBeGreaterThanOrEqual(4_800);
  expect(await carry(owner, 10)).toEqual({ number: 10 });
  expect(await carry(owner, 9)).toEqual({ number: 10 });
  for (const who of [eve, laptop, someone(9)]) expect(await code(carry(who, 99))).toBe('STATEMENT_FOREIGN');
  expect(await code(carry(owner, 99, new Uint8Array(32)))).toBe('STATEMENT_FOREIGN');
  expect(await silentAt(alpha, keyId)).toBeGreaterThanOrEqual(4_800);

  const before = firstKeyDevices(keyId, owner.publicKeys);
  const list = nextDevices(before, [deviceKey(laptop.publicKeys, [])], deviceId(owner.publicKeys));
  await her.call('key.devices', { keyId, links: [signDevices(list, owner)], after: null });
  expect(await code(carry(laptop, 1))).toBe('STATEMENT_FOREIGN');
  const device = await letIn(alpha, alice, 101, []);
  await device.wish(keyId, laptop);
  // Each signer counts for himself: a clock that is ahead on one device keeps no other one from being heard.
  expect(await carry(laptop, 1)).toEqual({ number: 1 });
  expect(await silentAt(alpha, keyId)).toBe(0);
  expect(await carry(owner, 11)).toEqual({ number: 11 });
  // Off the list and on it again it is not heard by what it said before.
  const without = nextDevices(list, [], deviceId(owner.publicKeys));
  const again = nextDevices(without, list.keys, deviceId(owner.publicKeys));
  await her.call('key.devices', { keyId, links: [signDevices(without, owner)], after: null });
  await carry(owner, 12);
  await her.call('key.devices', { keyId, links: [signDevices(again, owner)], after: null });
  await device.wish(keyId, laptop);
  await pass(alpha, 6_000);
  expect(await carry(laptop, 1)).toEqual({ number: 1 });
  expect(await silentAt(alpha, keyId)).toBeGreaterThanOrEqual(4_800);
  // L9: out of the account it does not live for its owner any more, whatever the list of the key says still.
  await device.remove();
  expect(await code(carry(laptop, 2))).toBe('STATEMENT_FOREIGN');
});

test('P10: what was switched off, and a clock that is a year on, add nothing; a database that is put back begins anew', async () => {
  const { alpha, keyId, carry } = await open();
  await carry(owner, 1);
  await pass(alpha, 12_000);
  const counted = (await silentAt(alpha, keyId))!;
  expect(counted).toBeGreaterThanOrEqual(10_800);
  now += 366 * DAY;
  const later = await network.restart(alpha, { elapsed: () => 0 });
  await later.sessions.sweep();
  expect(await silentAt(later, keyId)).toBeLessThanOrEqual(counted);
  await later.sessions.voidOpen('put back');
  expect(await silentAt(later, keyId)).toBe(0);
  // What was heard before is still known: it is not heard once more.
  const carrier = await later.as(mallory);
  const alive = (number: number) => signAlive(owner, { keyId, number });
  expect(await carrier.call('alive.carry', { alive: alive(1) })).toEqual({ number: 1 });
});

test('P10: a row that is put back from a longer silence counts as none, and silence begins anew', async () => {
  const { alpha, keyId, carry } = await open();
  const { storage } = alpha.context;
  await carry(owner, 1);
  await pass(alpha, 12_000);
  const silent = (await storage.read(({ life }) => life.find(alice.xid, keyId)))!;
  await carry(owner, 2);
  const { version } = (await storage.read(({ life }) => life.find(alice.xid, keyId)))!;
  expect(version).toBeGreaterThan(silent.version);
  // As somebody who writes the database does it.
  const dataDir = mkdtempSync(join(tmpdir(), 'ckm-life-'));
  cpSync(alpha.dataDir, dataDir, { recursive: true });
  tamperWith(join(dataDir, SQLITE_FILE), (database) =>
    database
      .prepare('update life set sealed = ?, version = ? where key_id = ?')
      .run(silent.sealed, silent.version, keyId),
  );
  const again = await network.restart(alpha, { dataDir });
  expect(await silentAt(again, keyId)).toBeNull();
  await again.sessions.sweep();
  expect(await silentAt(again, keyId)).toBe(0);
});

test('whatever the account asks about its keys is a sign of life, once a day or where somebody was warned', async () => {
  const { alpha, her, keyId, carry } = await open();
  await carry(owner, 1);
  await pass(alpha, DAY + 6_000);
  expect(await silentAt(alpha, keyId)).toBeGreaterThan(DAY);
  await her.call('key.show', { keyId });
  await pass(alpha, STEP);
  expect(await silentAt(alpha, keyId)).toBeLessThan(STEP);
});

test('a key of the same id that another account has made swallows no sign of life', async () => {
  const { alpha, servers, keyId, carry } = await open();
  // Rows are in the order of their owners.
  const thief = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16]
    .map(testPerson)
    .find(({ xid }) => compareBytes(xid, alice.xid) < 0)!;
  await makeKey(await Promise.all(servers.map((server) => server.as(thief))), { keyId });
  for (const { context } of servers) await giveTerms(context, thief.xid, keyId, terms);
  await carry(owner, 1);
  await pass(alpha, 12_000);
  expect(await silentAt(alpha, keyId)).toBeGreaterThanOrEqual(10_800);
  expect(await carry(owner, 2)).toEqual({ number: 2 });
  expect(await silentAt(alpha, keyId)).toBe(0);
});
