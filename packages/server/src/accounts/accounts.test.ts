import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NOON, openRooms, person, random, type Rooms } from '../test/rooms.js';
import type { Account, Accounts, Quota } from './accounts.js';
import { createAccounts } from './create-accounts.js';
import { createInviteCode, normalInviteCode } from './invite-code.js';
import { createRateLimiter } from '../turns/rate-limiter.js';

const quota: Quota = {
  keys: 2,
  openSessions: 1,
  requestsPerMinute: 10,
  costPerMinute: 1_000,
  waitingRequests: 1,
  bytes: 200,
};
const alice = person(1);
const bob = person(2);

let rooms: Rooms;
beforeEach(async () => {
  rooms = await openRooms();
});
afterEach(() => rooms.close());

const accountsWith = (admission: 'open' | 'invite' | 'closed', most = 100): Accounts =>
  createAccounts({ vault: rooms.vault, clock: () => rooms.now, random, admission, most, quota });
const open = (accounts: Accounts, who: typeof alice, invite: string | null = null) =>
  rooms.storage.transact((transaction) => accounts.open(transaction, who, invite));
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'not refused',
    (error: Error) => error.message,
  );
const invite = (accounts: Accounts) =>
  rooms.storage.transact((transaction) =>
    accounts.createInvite(transaction, { note: 'for the canary', expiresAt: NOON + 100 }),
  );

describe('opening an account', () => {
  test('an open server takes everybody, and asking twice gives the same account', async () => {
    const accounts = accountsWith('open');
    expect(await open(accounts, alice)).toMatchObject({ created: true, account: { openedAt: NOON } });
    rooms.now += 50;
    expect(await open(accounts, alice)).toMatchObject({ created: false, account: { openedAt: NOON } });
    const found = await rooms.storage.read((reader) => accounts.find(reader, alice.xid));
    expect(found?.keys.words.publicKeys).toEqual(alice.publicKeys);
    expect(await rooms.storage.read((reader) => accounts.find(reader, bob.xid))).toBeNull();
  });

  test('V63: keys that are not those of the XID open nothing', async () => {
    const impostor = { xid: alice.xid, publicKeys: bob.publicKeys };
    await expect(
      rooms.storage.transact((transaction) => accountsWith('open').open(transaction, impostor, null)),
    ).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' });
  });

  test('a closed server takes nobody new and keeps whom it has', async () => {
    await open(accountsWith('open'), alice);
    const closed = accountsWith('closed');
    await expect(open(closed, bob)).rejects.toMatchObject({
      errorClass: 'AccessError',
      code: 'ACCOUNTS_CLOSED',
    });
    expect(await open(closed, alice)).toMatchObject({ created: false });
  });

  test('a full server takes nobody new, with an invite or without, and uses up no invite', async () => {
    await open(accountsWith('open'), alice);
    for (const admission of ['open', 'invite'] as const) {
      const full = accountsWith(admission, 1);
      const code = admission === 'open' ? null : (await invite(full)).code;
      await expect(open(full, bob, code)).rejects.toMatchObject({
        errorClass: 'AccessError',
        code: 'ACCOUNTS_FULL',
      });
      expect(await open(full, alice, code)).toMatchObject({ created: false });
      if (code !== null)
        expect(await open(accountsWith(admission, 2), bob, code)).toMatchObject({ created: true });
    }
  });

  test('an invite opens one account, not two', async () => {
    const accounts = accountsWith('invite');
    const { code } = await invite(accounts);
    await expect(open(accounts, alice)).rejects.toMatchObject({ code: 'INVITE_REQUIRED' });
    expect(await open(accounts, alice, code.toLowerCase().replaceAll('-', ' '))).toMatchObject({
      created: true,
    });
    await expect(open(accounts, bob, code)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
    expect(await open(accounts, alice, null)).toMatchObject({ created: false });
  });

  test('an invite that expired, was never made or is not even a code is refused in the same words', async () => {
    const accounts = accountsWith('invite');
    const { code } = await invite(accounts);
    const messages: string[] = [];
    for (const tried of [createInviteCode(random), 'hello', '', `${code}0`]) {
      messages.push(await refusal(open(accounts, bob, tried)));
    }
    rooms.now = NOON + 100;
    messages.push(await refusal(open(accounts, bob, code)));
    expect(new Set(messages).size).toBe(1);
  });

  test('an invite that somebody marked unused again in the database is not taken', async () => {
    const accounts = accountsWith('invite');
    const { code } = await invite(accounts);
    await open(accounts, alice, code);
    await rooms.tamper((database) => database.exec('update invites set used_by = null'));
    await expect(open(accountsWith('invite'), bob, code)).rejects.toMatchObject({ code: 'ROW_TAMPERED' });
  });

  test('the database holds neither an invite code nor its note', async () => {
    const accounts = accountsWith('invite');
    const { code } = await invite(accounts);
    let rows = '';
    await rooms.tamper(
      (database) => (rows = JSON.stringify(database.prepare('select * from invites').all())),
    );
    expect(rows).not.toContain(normalInviteCode(code));
    expect(rows).not.toContain('canary');
    expect(await rooms.storage.read((reader) => accounts.listInvites(reader, null, 5))).toMatchObject([
      { note: 'for the canary', usedBy: null, expiresAt: NOON + 100 },
    ]);
  });

  test('a suspended account that somebody made active in the database is not believed', async () => {
    const accounts = accountsWith('open');
    await open(accounts, alice);
    await rooms.storage.read((reader) => accounts.find(reader, alice.xid));
    await rooms.storage.transact((transaction) => accounts.setStatus(transaction, alice.xid, 'suspended'));
    expect(await rooms.storage.read((reader) => accounts.find(reader, alice.xid))).toMatchObject({
      status: 'suspended',
    });
    await rooms.tamper((database) => database.exec("update accounts set status = 'active'"));
    await expect(rooms.storage.read((reader) => accounts.find(reader, alice.xid))).rejects.toMatchObject({
      code: 'ROW_TAMPERED',
    });
  });
});

describe('quotas', () => {
  async function account(): Promise<{ accounts: Accounts; account: Account }> {
    const accounts = accountsWith('open');
    return { accounts, account: (await open(accounts, alice)).account };
  }
  const sealed = new Uint8Array(60);
  const id = (number: number) => new Uint8Array(32).fill(number);
  const limited = (code: string) => ({ errorClass: 'PolicyError', code, httpStatus: 429 });

  test('the third key is one too many', async () => {
    const { accounts, account: one } = await account();
    const addKey = (number: number) =>
      rooms.storage.transact(async (transaction) => {
        await accounts.quota.key(transaction, one);
        const row = {
          owner: alice.xid,
          keyId: id(number),
          state: 'active' as const,
          epoch: 0,
          version: 1,
          createdAt: 0,
          sealed,
        };
        await transaction.keys.insert(row);
      });
    await addKey(1);
    await addKey(2);
    await expect(addKey(3)).rejects.toMatchObject(limited('QUOTA_KEYS'));
  });

  test('of two sessions opened at once, one is too many', async () => {
    const { accounts, account: one } = await account();
    const addSession = (number: number) =>
      rooms.storage.transact(async (transaction) => {
        await accounts.quota.openSession(transaction, one);
        const times = { createdAt: 0, expiresAt: 9, version: 1, sealed };
        const ids = { owner: alice.xid, sessionId: id(number), keyId: id(9) };
        await transaction.sessions.insert({ ...ids, ...times, state: 'accepted', open: true });
      });
    const outcomes = await Promise.allSettled([addSession(1), addSession(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: limited('QUOTA_SESSIONS') });
  });

  test('waiting requests and stored bytes are counted', async () => {
    const { accounts, account: one } = await account();
    await rooms.storage.transact(async (transaction) => {
      const times = { createdAt: 0, expiresAt: 9, version: 1, sealed };
      await transaction.keys.insert({
        owner: alice.xid,
        keyId: id(1),
        state: 'active',
        epoch: 0,
        version: 1,
        createdAt: 0,
        sealed,
      });
      const ids = { owner: alice.xid, requestId: id(2), keyId: id(1) };
      await transaction.requests.insert({ ...ids, ...times, state: 'waiting', waiting: true });
    });
    await rooms.storage.read(async (reader) => {
      await expect(accounts.quota.waitingRequest(reader, one)).rejects.toMatchObject(
        limited('QUOTA_WAITING'),
      );
      await accounts.quota.bytes(reader, one, 80);
      await expect(accounts.quota.bytes(reader, one, 81)).rejects.toMatchObject(limited('QUOTA_BYTES'));
    });
  });
});

describe('a rate limit in memory', () => {
  test('gives so many at once, then one for each share of the time, for each name apart', () => {
    let now = 0;
    const limiter = createRateLimiter({ count: 3, perMs: 300 }, () => now);
    const take = (name: string) => Array.from({ length: 4 }, () => limiter.take(name));
    expect(take('alice')).toEqual([true, true, true, false]);
    expect(take('bob')).toEqual([true, true, true, false]);
    now = 100;
    expect(take('alice')).toEqual([true, false, false, false]);
    now = 1_000;
    expect(take('alice')).toEqual([true, true, true, false]);
  });

  test('gives every place at whatever fraction of a millisecond it is asked', () => {
    for (const count of [1, 3, 7, 49]) {
      for (let now = 1_234.567; now < 1_000_000; now *= 1.37) {
        const limiter = createRateLimiter({ count, perMs: 60_000 }, () => now);
        const taken = Array.from({ length: count + 1 }, () => [
          limiter.waitMs('alice') > 0,
          limiter.take('alice'),
        ]);
        expect(taken.filter(([waits, isGiven]) => !waits && isGiven)).toHaveLength(count);
        expect(taken.at(-1)).toEqual([true, false]);
      }
    }
  });

  test('what costs several takes several, or nothing at all', () => {
    let now = 0;
    const limiter = createRateLimiter({ count: 3, perMs: 300 }, () => now);
    expect([limiter.take('alice', 2), limiter.take('alice', 2), limiter.take('alice')]).toEqual([
      true,
      false,
      true,
    ]);
    now = 1_000;
    expect([limiter.take('alice', 4), limiter.take('alice', 3)]).toEqual([false, true]);
  });

  test('V10: names such as __proto__ are only names', () => {
    const limiter = createRateLimiter({ count: 1, perMs: 1_000 }, () => 0);
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect([limiter.take(name), limiter.take(name)]).toEqual([true, false]);
    }
  });
});
