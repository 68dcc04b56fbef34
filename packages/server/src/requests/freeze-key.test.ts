import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createKeyDesk } from '../control/desks/key-desk.js';
import { SQLITE_FILE } from '../server/database/open-storage.js';
import { type BareServer, TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, mallory, makeKey, messageOf } from '../sessions/test/bare-servers.js';
import { tamperWith } from '../test/rooms.js';
import { rowsOf } from '../test/stored-secrets.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

const network = createBareServers();
let now = TEST_TIME;
afterEach(async () => {
  now = TEST_TIME;
  await network.close();
});

const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const openTwo = () => network.openMany(2, { now: () => now });
const freezeOf = (keyId: Uint8Array, seconds = HOUR, number = 1) => ({
  keyId,
  id: new Uint8Array(32).fill(number),
  from: now,
  until: now + seconds,
});

async function deedsOf({ context: { storage, audit } }: BareServer): Promise<string[]> {
  return (await storage.read((reader) => audit.list(reader, 1, 200))).map(({ deed }) => deed);
}

test('P11: a frozen key answers nothing, prepared attempts included, until the freeze ends; other keys and servers go on', async () => {
  const { servers, callers } = await openTwo();
  const [{ keyId, signer }, other] = [await makeKey(callers), await makeKey(callers)];
  const ask = { ...messageOf('before'), requestId: new Uint8Array(32).fill(3) };
  const done = await signer.prepare([1, 2]);
  expect((await signer.request(1, ask, { attempt: done })).state).toBe('answered');
  const next = await signer.prepare([1, 2], 1, 2);
  const frozen = { id: new Uint8Array(32).fill(1), until: now + HOUR, thawAskedAt: null };
  expect((await callers[0]!.call('key.freeze', freezeOf(keyId))).frozen).toEqual(frozen);

  await expect(signer.request(1, messageOf('new'), {})).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  await expect(signer.request(1, ask, { attempt: next })).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  await expect(signer.pool(1)).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  // Nothing new leaves: what was answered before is given again, without commitments for more.
  const wanted = { craft: 'frost', commitments: 1 } as const;
  const again = await signer.request(1, ask, { attempt: done, wanted });
  expect([again.state, again.prepared]).toEqual(['answered', null]);
  expect((await signer.request(2, messageOf('new'), {})).state).toBe('ready');
  expect((await other.signer.request(1, messageOf('new'), {})).state).toBe('ready');

  servers[0] = await network.restart(servers[0]!);
  const atAlpha = await servers[0].as(alice);
  expect((await atAlpha.call('key.show', { keyId })).key.frozen).toEqual(frozen);
  await expect(
    atAlpha.call('craft.prepare', { keyId, epoch: 0, wanted: { craft: 'frost', commitments: 1 } }),
  ).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  now += HOUR;
  expect((await atAlpha.call('key.list', { after: null })).keys.map((key) => key.frozen)).toEqual([
    undefined,
    undefined,
  ]);
  await atAlpha.call('craft.prepare', { keyId, epoch: 0, wanted: { craft: 'frost', commitments: 1 } });
});

test('key.check of a frozen key is answered: its owner wants to know then too', async () => {
  const { callers } = await openTwo();
  const { keyId } = await makeKey(callers);
  await callers[0]!.call('key.freeze', freezeOf(keyId));
  const question = { keyId, epoch: 0, challenge: new Uint8Array(32).fill(7), at: now };
  expect((await callers[0]!.call('key.check', question)).proof.length).toBeGreaterThan(60);
});

test('L11: a stolen laptop that asks to thaw a key only asks; the operator thaws, and that freeze never comes back', async () => {
  const { servers, callers } = await openTwo();
  const { keyId, signer } = await makeKey(callers);
  await callers[0]!.call('key.freeze', freezeOf(keyId, 48 * HOUR));
  now += MINUTE;
  const asked = await callers[0]!.call('key.thaw', { keyId });
  expect(asked.frozen?.thawAskedAt).toBe(now);
  await expect(signer.request(1, messageOf('thief'), {})).rejects.toThrow(code('POLICY_KEY_FROZEN'));

  const desk = createKeyDesk(servers[0]!);
  const id = encodeHex(keyId);
  const seen = { until: TEST_TIME + 48 * HOUR, thawAskedAt: now, by: 'its owner' };
  expect((await desk.keys(null)).keys[0]!.frozen).toEqual(seen);
  expect((await desk.thaw(id, null)).frozen).toBe(null);
  expect((await signer.request(1, messageOf('owner'), {})).state).toBe('ready');
  const dead = { ...freezeOf(keyId, 48 * HOUR), from: TEST_TIME, until: TEST_TIME + 48 * HOUR };
  await expect(callers[0]!.call('key.freeze', dead)).rejects.toThrow(code('FREEZE_OVER'));
  // The time that was not frozen is there again.
  const left = 7 * 24 * HOUR - MINUTE;
  expect((await callers[0]!.call('key.thaw', { keyId })).leftSeconds).toBe(left);
  const rest = await callers[0]!.call('key.freeze', freezeOf(keyId, 7 * 24 * HOUR, 2));
  expect([rest.frozen?.until, rest.leftSeconds]).toEqual([now + left, left]);
  expect((await deedsOf(servers[0]!)).filter((deed) => /freeze|thaw/.test(deed))).toEqual([
    'key.freeze',
    'key.thaw',
    'operator.thaw',
    'key.freeze',
  ]);
});

test('what the operator took away outlives a freeze and its thaw, and the other way round', async () => {
  const { servers, callers } = await openTwo();
  const { keyId } = await makeKey(callers);
  const desk = createKeyDesk(servers[0]!);
  const id = encodeHex(keyId);
  await desk.tighten(id, null, { approval: 'operator' });
  await callers[0]!.call('key.freeze', freezeOf(keyId));
  await desk.loosen(id, null, { approval: 'automatic' });
  expect((await desk.keyPolicy(id, null)).frozen).not.toBe(null);
  await desk.tighten(id, null, { blindAllowed: false });
  const { frozen, tightening } = await desk.thaw(id, null);
  expect([frozen, tightening.blindAllowed]).toEqual([null, false]);
});

test('somebody else’s key cannot be frozen, and one freeze counts for one key', async () => {
  const { servers, callers } = await openTwo();
  const [{ keyId }, other] = [await makeKey(callers), await makeKey(callers)];
  const stranger = await servers[0]!.as(mallory);
  await expect(stranger.call('key.freeze', freezeOf(keyId))).rejects.toThrow(code('KEY_UNKNOWN'));
  await expect(stranger.call('key.thaw', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
  await callers[0]!.call('key.freeze', freezeOf(keyId));
  expect((await callers[0]!.call('key.thaw', { keyId: other.keyId })).frozen).toBe(null);
});

test.each(['keys', 'tightenings'] as const)(
  'whoever puts the row of %s back as it was before the freeze has the key stopped, not thawed',
  async (table) => {
    const { servers, callers } = await openTwo();
    const { keyId } = await makeKey(callers);
    // A first freeze, so that both rows were there before.
    await callers[0]!.call('key.freeze', freezeOf(keyId, 60));
    const [before] = rowsOf(servers[0]!.dataDir, table);
    now += MINUTE;
    await callers[0]!.call('key.freeze', freezeOf(keyId, HOUR, 2));
    const dataDir = mkdtempSync(join(tmpdir(), 'ckm-put-back-'));
    cpSync(servers[0]!.dataDir, dataDir, { recursive: true });
    tamperWith(join(dataDir, SQLITE_FILE), (database) =>
      database
        .prepare(`update ${table} set sealed = ?, version = ? where key_id = ?`)
        .run(before!.sealed, before!.version, keyId),
    );
    const alpha = await network.restart(servers[0]!, { dataDir });
    const atAlpha = await alpha.as(alice);
    const ask = {
      ...messageOf('freed'),
      requestId: new Uint8Array(32).fill(5),
      keyId,
      epoch: 0,
      expiresAt: now + 60,
      attempt: null,
      wanted: null,
    };
    await expect(atAlpha.call('request.ask', ask)).rejects.toThrow(code('ROW_TAMPERED'));
  },
);
