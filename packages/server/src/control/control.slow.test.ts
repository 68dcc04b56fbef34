import { statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import { CONTROL_SOCKET } from './connect-operator.js';
import { person } from '../test/rooms.js';
import { PASSPHRASE, startTestServer, type TestServer, type TestServerOptions } from '../test/test-server.js';
import { connectOperator, type Operator } from './connect-operator.js';

const alice = person(1);
const servers: TestServer[] = [];
const words = (text: string) => secret(encodeUtf8(text));

async function start(options: TestServerOptions = {}): Promise<{ alpha: TestServer; operator: Operator }> {
  const alpha = await startTestServer(options);
  servers.push(alpha);
  return { alpha, operator: connectOperator(alpha.dataDir) };
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

describe('the operator’s socket', () => {
  test('is open to the server’s own user only', async () => {
    const { alpha } = await start();
    expect(statSync(join(alpha.dataDir, CONTROL_SOCKET)).mode & 0o077).toBe(0);
    expect(statSync(alpha.dataDir).mode & 0o077).toBe(0);
  });

  test('status tells phase, address, storage and identity of the server', async () => {
    const { alpha, operator } = await start();
    expect(await operator.status()).toMatchObject({
      name: 'alpha',
      phase: 'ready',
      url: alpha.server.url,
      startedAt: alpha.now,
      open: { storage: 'sqlite', waitingRequests: 0, auditEntries: 1, identity: { accounts: 'open' } },
    });
    expect(await operator.metrics()).toContain('process_resident_memory_bytes');
  });

  test('shows the metrics that are shown to nobody else behind a proxy', async () => {
    const { alpha, operator } = await start({ settings: { trustProxy: true } });
    expect((await fetch(`${alpha.server.url}/metrics`)).status).toBe(403);
    expect(await operator.metrics()).toContain('process_resident_memory_bytes');
  });

  test('no operation of the operator is answered over TCP', async () => {
    const { alpha } = await start();
    for (const path of ['/status', '/audit', '/invites', '/unseal', '/shutdown']) {
      for (const method of ['GET', 'POST']) {
        expect((await fetch(`${alpha.server.url}${path}`, { method })).status).toBe(404);
      }
    }
  });

  test('makes an invite that opens one account, and the log says so', async () => {
    const { alpha, operator } = await start({ settings: { accounts: 'invite' } });
    const { code, expiresAt } = await operator.createInvite({ note: 'alice', lifetimeSeconds: 100 });
    expect(expiresAt).toBe(alpha.now + 100);
    await alpha.as(alice).join(code);
    await expect(alpha.as(person(2)).join(code)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
    expect((await operator.invites({})).invites).toMatchObject([
      { note: 'alice', usedBy: encodeHex(alice.xid) },
    ]);
    const deeds = (await operator.audit()).map(({ deed, who }) => [deed, who]);
    expect(deeds).toEqual([
      ['server.start', null],
      ['operator.invite', null],
      ['account.open', encodeHex(alice.xid)],
    ]);
  });

  test('takes an invite back by the digits that name it or by its code: it opens nothing any more', async () => {
    const { alpha, operator } = await start({ settings: { accounts: 'invite' } });
    const [one, two, used] = [
      await operator.createInvite({ note: 'one' }),
      await operator.createInvite({ note: 'two' }),
      await operator.createInvite({ note: 'three' }),
    ];
    const listed = (await operator.invites({})).invites;
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set([one.id, two.id, used.id]));
    expect(JSON.stringify(listed)).not.toContain(one.code);
    await alpha.as(alice).join(used.code);
    expect(await operator.revokeInvite({ invite: one.id.slice(0, 6) })).toMatchObject({
      id: one.id,
      note: 'one',
    });
    expect(await operator.invite({ invite: two.code.toLowerCase() })).toMatchObject({
      id: two.id,
      usedBy: null,
    });
    expect(await operator.revokeInvite({ invite: two.code })).toMatchObject({ id: two.id });
    for (const { code } of [one, two]) {
      await expect(alpha.as(person(2)).join(code)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
    }
    await expect(operator.revokeInvite({ invite: one.id })).rejects.toMatchObject({
      code: 'OPERATOR_UNKNOWN_ID',
    });
    await expect(operator.revokeInvite({ invite: used.id })).rejects.toMatchObject({ code: 'INVITE_USED' });
    await expect(operator.revokeInvite({ invite: 'xyz' })).rejects.toMatchObject({
      code: 'OPERATOR_INPUT_INVALID',
    });
    expect(await operator.invites({})).toMatchObject({
      invites: [{ id: used.id, usedBy: encodeHex(alice.xid) }],
      next: null,
    });
    const revoked = (await operator.audit()).filter(({ deed }) => deed === 'operator.revoke');
    expect(revoked.map(({ detail, subject }) => [detail, subject!.slice(0, 16)])).toEqual([
      ['one', one.id],
      ['two', two.id],
    ]);
  });

  test('tells more invites than fit into one page by page, each of them once', { tags: 'slow' }, async () => {
    const { operator } = await start({ settings: { accounts: 'invite' } });
    const made: string[] = [];
    for (let i = 0; i < 201; i++) made.push((await operator.createInvite({ note: `number ${i}` })).id);
    const first = await operator.invites({});
    expect([first.invites.length, first.next]).toEqual([200, first.invites.at(-1)!.id]);
    const second = await operator.invites({ after: first.next! });
    const listed = [...first.invites, ...second.invites].map(({ id }) => id);
    expect([listed, second.next]).toEqual([made.toSorted(), null]);
    await expect(operator.invites({ after: 'abc' })).rejects.toMatchObject({
      code: 'OPERATOR_INPUT_INVALID',
    });
  });

  test('makes no invite that nobody could use, and says when nobody needs one', async () => {
    const closed = await start({ settings: { accounts: 'closed' } });
    await expect(closed.operator.createInvite({ note: 'alice' })).rejects.toMatchObject({
      code: 'INVITES_CLOSED',
    });
    expect(await closed.operator.invites({})).toEqual({ invites: [], next: null });
    expect(await closed.operator.audit()).toHaveLength(1);
    const open = await start({ settings: { accounts: 'open' } });
    expect(await open.operator.createInvite()).toMatchObject({ needed: false });
    const asked = await start({ settings: { accounts: 'invite' } });
    expect(await asked.operator.createInvite()).toMatchObject({ needed: true });
  });

  test('suspends an account and lets it go on', async () => {
    const { alpha, operator } = await start();
    const client = await alpha.as(alice).join();
    expect(await operator.accounts()).toMatchObject({
      accounts: [{ xid: encodeHex(alice.xid), status: 'active', keys: 0 }],
      next: null,
    });
    await operator.suspend({ xid: encodeHex(alice.xid) });
    await expect(client.ask('server.describe', {})).rejects.toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    await operator.resume({ xid: encodeHex(alice.xid) });
    expect(await client.ask('server.describe', {})).toMatchObject({ keys: 0 });
    await expect(operator.suspend({ xid: '00'.repeat(32) })).rejects.toMatchObject({
      code: 'ACCOUNT_UNKNOWN',
    });
  });

  test('shows the audit log in pieces, and verifies it', async () => {
    const { operator } = await start();
    for (let number = 0; number < 4; number++) await operator.createInvite({ note: `${number}` });
    const lines = await operator.audit({ from: 3, limit: 2 });
    expect(lines.map(({ sequence, detail }) => [sequence, detail])).toEqual([
      [3, '1'],
      [4, '2'],
    ]);
    const all = await operator.audit();
    expect(await operator.verifyAudit()).toEqual({ ok: true, entries: 5, head: all[4]!.hash, gaps: [] });
  });

  test('refuses bad input by name and does nothing', async () => {
    const { operator } = await start();
    const refusals = [
      operator.audit({ from: 0 }),
      operator.audit({ limit: 5_000 }),
      operator.createInvite({ note: 'bell\u0007' }),
      operator.createInvite({ lifetimeSeconds: 1 }),
      operator.suspend({ xid: 'xyz' }),
      operator.approve({ requestId: '../../audit' }),
      operator.keyPolicy({ keyId: '12' }),
    ];
    for (const outcome of await Promise.allSettled(refusals)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'OPERATOR_INPUT_INVALID' } });
    }
    for (const outcome of await Promise.allSettled([
      operator.approve({ requestId: 'abcd' }),
      operator.keyPolicy({ keyId: '00'.repeat(32) }),
    ])) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'OPERATOR_UNKNOWN_ID' } });
    }
    expect(await operator.audit()).toHaveLength(1);
  });

  test('says in one word when no server runs', async () => {
    const { alpha, operator } = await start();
    await alpha.server.close();
    await expect(operator.status()).rejects.toMatchObject({
      errorClass: 'AvailabilityError',
      code: 'SERVER_NOT_RUNNING',
    });
  });
});

describe('a sealed server', () => {
  test('waits, says so, and opens with its passphrase', async () => {
    const { alpha, operator } = await start({ isSealed: true });
    expect(alpha.server.phase()).toBe('sealed');
    expect((await fetch(`${alpha.server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${alpha.server.url}/v1/identity`)).status).toBe(503);
    expect(await operator.status()).toMatchObject({ phase: 'sealed', open: null });
    await expect(operator.audit()).rejects.toMatchObject({ code: 'SERVER_SEALED' });
    await expect(operator.createInvite()).rejects.toMatchObject({ code: 'SERVER_SEALED' });
    expect(await operator.unseal(words(PASSPHRASE))).toMatchObject({ phase: 'ready' });
    expect((await fetch(`${alpha.server.url}/readyz`)).status).toBe(200);
    await alpha.as(alice).join();
  });

  test('stays sealed after wrong passphrases, and lets nobody try for ever', async () => {
    const { alpha, operator } = await start({ isSealed: true });
    for (let i = 0; i < 5; i++) {
      await expect(operator.unseal(words('not the passphrase'))).rejects.toMatchObject({
        code: 'PASSPHRASE_WRONG',
      });
    }
    await expect(operator.unseal(words(PASSPHRASE))).rejects.toMatchObject({
      code: 'PASSPHRASE_TOO_MANY_TRIES',
    });
    expect(alpha.server.phase()).toBe('sealed');
    alpha.now += 30;
    expect(await operator.unseal(words(PASSPHRASE))).toMatchObject({ phase: 'ready' });
    expect(alpha.log()).toContain('wrong passphrase');
    expect(alpha.log()).not.toContain(PASSPHRASE);
  });

  test('opens at once when it is given the passphrase at start', async () => {
    const { alpha } = await start({ isSealed: true });
    await alpha.restart({ passphrase: words(PASSPHRASE) });
    expect(alpha.server.phase()).toBe('ready');
  });

  test('can be stopped while it is sealed', async () => {
    const { alpha, operator } = await start({ isSealed: true });
    await operator.shutdown();
    await alpha.server.closed;
    expect(alpha.server.phase()).toBe('stopping');
  });
});
