import { createCeremony } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers, makeKey, messageOf, SOON } from './test/bare-servers.js';
import { TEST_TIME, type BareServer } from './test/bare-server.js';

const network = createBareServers();
let now = TEST_TIME;
afterEach(async () => {
  await network.close();
  now = TEST_TIME;
});

const clock = { now: () => now };
const DAY = 86_400;
const YEAR = 365 * DAY;
const fresh = (byte: number) => new Uint8Array(32).fill(byte);
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const bytesOf = ({ context }: BareServer) => context.storage.read((reader) => reader.bytesOf(alice.xid));

describe('what is over is forgotten', () => {
  test('a request and its attempts, a day after its expiry, and their bytes with them', async () => {
    const { servers, callers } = await network.openMany(2, clock);
    const [server] = servers as [BareServer];
    const { signer } = await makeKey(callers);
    const before = await bytesOf(server);
    const ask = { ...messageOf('hello'), requestId: fresh(1) };
    await signer.request(1, ask, { attempt: await signer.prepare([1, 2]) });
    expect(await bytesOf(server)).toBeGreaterThan(before + 200);
    now = SOON + DAY - 1;
    await server.sessions.sweep();
    expect(await bytesOf(server)).toBeGreaterThan(before + 200);
    now = SOON + DAY + 60;
    await server.sessions.sweep();
    expect(await bytesOf(server)).toBe(before);
    const { storage } = server.context;
    expect(await storage.read(({ requests }) => requests.find(alice.xid, fresh(1)))).toBeNull();
    expect(await storage.read(({ attempts }) => attempts.list(alice.xid, fresh(1)))).toEqual([]);
  });

  test('more of them than one page holds', async () => {
    const { servers, callers } = await network.openMany(2, clock);
    const [server] = servers as [BareServer];
    const { signer } = await makeKey(callers);
    const before = await bytesOf(server);
    for (let i = 0; i < 230; i++) await signer.request(1, messageOf(`number ${i}`), {});
    now = SOON + DAY + 60;
    await server.sessions.sweep();
    expect(await bytesOf(server)).toBe(before);
  });

  test('not a request that still counts against a rate: waiting for its end frees no place', async () => {
    const { servers, callers } = await network.openMany(2, clock);
    const rateLimit = { count: 1, perSeconds: YEAR };
    const { signer } = await makeKey(callers, { policy: { rateLimit } });
    await signer.request(1, messageOf('this year'), {});
    now = TEST_TIME + YEAR - 60;
    await servers[0]!.sessions.sweep();
    const early = signer.request(1, messageOf('too early'), { expiresAt: now + 60 });
    await expect(early).rejects.toThrow(code('POLICY_RATE'));
    now = TEST_TIME + YEAR + 60;
    await servers[0]!.sessions.sweep();
    expect((await signer.request(1, messageOf('next year'), { expiresAt: now + 60 })).state).toBe('ready');
  });

  test('also beside a key whose row was tampered with, of which nothing is forgotten', async () => {
    const { servers, callers } = await network.openMany(2, clock);
    const [server] = servers as [BareServer];
    const { storage } = server.context;
    const spoilt = await makeKey(callers);
    const sound = await makeKey(callers);
    await spoilt.signer.request(1, { ...messageOf('one'), requestId: fresh(1) }, {});
    await sound.signer.request(1, { ...messageOf('two'), requestId: fresh(2) }, {});
    await storage.transact(async ({ keys }) => {
      const row = (await keys.find(alice.xid, spoilt.keyId))!;
      const sealed = row.sealed.slice();
      sealed[40]! ^= 1;
      await keys.update({ ...row, sealed, version: row.version + 1 });
    });
    now = SOON + DAY + 60;
    await server.sessions.sweep();
    const found = (byte: number) => storage.read(({ requests }) => requests.find(alice.xid, fresh(byte)));
    expect(await found(1)).not.toBeNull();
    expect(await found(2)).toBeNull();
  });

  test('a session that made no key; not one whose key waits for its certificate', async () => {
    const { servers, callers } = await network.openMany(3, clock);
    const server = servers[2]!;
    const failed = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; i < 3; i++) await failed.next();
    await callers[2]!.call('session.cancel', { sessionId: failed.sessionId, reason: 'not needed' });
    const waiting = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: ({ packet, round, to }) => (round === 2 && to === 3 ? [] : [packet]),
    });
    await waiting.finish();
    const { keys } = await callers[2]!.call('key.list', { after: null });
    expect(keys.map(({ state }) => state)).toEqual(['pending']);
    now = SOON + 31 * DAY;
    await server.sessions.sweep();
    const found = (sessionId: Uint8Array) =>
      server.context.storage.read(({ sessions }) => sessions.find(alice.xid, sessionId));
    expect(await found(failed.sessionId)).toBeNull();
    expect(await found(waiting.sessionId)).not.toBeNull();
  });

  test('the session of a finished key, with its packets; the key signs on', async () => {
    const { servers, callers } = await network.openMany(2, clock);
    const { signer, sessionId } = await makeKey(callers);
    now = SOON + 31 * DAY;
    for (const server of servers) await server.sessions.sweep();
    const attempt = await signer.prepare([1, 2]);
    const { storage } = servers[0]!.context;
    expect(await storage.read(({ packets }) => packets.list(alice.xid, sessionId, 0))).toEqual([]);
    const reply = await signer.request(1, messageOf('still here'), { attempt, expiresAt: now + 60 });
    expect(reply.state).toBe('answered');
  });
});

describe('what an account occupies is limited', () => {
  test('signing stops at the quota of bytes, before a nonce is taken, and goes on when old requests are forgotten', async () => {
    const { servers, callers } = await network.openMany(2, {
      ...clock,
      settings: { quota: { bytes: 40_000 } },
    });
    const { signer } = await makeKey(callers);
    const attempt = await signer.prepare([1, 2]);
    const fill = async () => {
      for (let i = 0; i < 200; i++) await signer.request(1, messageOf(`number ${i}`), {});
    };
    await expect(fill()).rejects.toThrow(code('QUOTA_BYTES'));
    const refused = signer.request(1, messageOf('one too many'), { attempt });
    await expect(refused).rejects.toMatchObject({
      code: 'QUOTA_BYTES',
      hint: 'ask the operator, who sets the quota of the whole server',
    });
    expect(await bytesOf(servers[0]!)).toBeLessThanOrEqual(40_000);
    now = SOON + DAY + 60;
    await servers[0]!.sessions.sweep();
    const after = await signer.request(1, { ...messageOf('room again') }, { attempt, expiresAt: now + 60 });
    expect(after.state).toBe('answered');
  });

  test('keys that ceremonies left waiting for a certificate count against no quota, and come into use only within it', async () => {
    const { servers, callers } = await network.openMany(2, { ...clock, settings: { quota: { keys: 1 } } });
    const halfMade = async () => {
      const ceremony = createCeremony({
        servers: callers,
        expiresAt: now + 600,
        tampering: ({ packet, round, to }) => (round === 2 && to === 2 ? [] : [packet]),
      });
      await ceremony.finish();
      const { sessionId, keyId } = ceremony;
      await callers[1]!.call('session.cancel', { sessionId, reason: 'it takes too long' });
      const { certificate } = await callers[0]!.call('key.show', { keyId });
      // Only bravo is looked at: alpha has its key.
      await servers[0]!.context.storage.transact(({ keys }) => keys.remove(alice.xid, keyId));
      return { keyId, certificate: certificate! };
    };
    const made = [await halfMade(), await halfMade(), await halfMade()];
    const { keys } = await callers[1]!.call('key.list', { after: null });
    expect(keys.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
    await callers[1]!.call('key.certify', made[2]!);
    await expect(callers[1]!.call('key.certify', made[0]!)).rejects.toThrow(code('QUOTA_KEYS'));
    await expect(halfMade()).rejects.toThrow(code('QUOTA_KEYS'));
  });

  test('a ceremony under way counts as the key it will make', async () => {
    const { callers } = await network.openMany(2, { ...clock, settings: { quota: { keys: 1 } } });
    const one = createCeremony({ servers: callers, expiresAt: SOON });
    const two = createCeremony({ servers: callers, expiresAt: SOON });
    await one.next();
    await expect(two.next()).rejects.toMatchObject({
      code: 'QUOTA_KEYS',
      hint: 'ask the operator, who sets the quota of the whole server',
    });
    expect((await one.finish()).map(({ state }) => state)).toEqual(['finished', 'finished']);
    await expect(two.next()).rejects.toThrow(code('QUOTA_KEYS'));
  });
});
