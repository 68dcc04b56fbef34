import { encodeCall } from '@ckm/api';
import type { Message } from '@ckm/gordian';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAccounts } from '../accounts/create-accounts.js';
import type { ServerConfig } from '../config/config.js';
import { NOON, openRooms, person, random, type Rooms } from '../test/rooms.js';
import { createStrangers } from './strangers.js';

let rooms: Rooms;
beforeEach(async () => {
  rooms = await openRooms();
  // No time passes in which strangers could earn more.
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rooms.close();
});

test('V70: however many knock from however many addresses, whoever has an unused invite is heard', async () => {
  const quota = {
    keys: 1,
    openSessions: 1,
    requestsPerMinute: 1,
    costPerMinute: 1_000,
    waitingRequests: 1,
    bytes: 1,
  };
  const sources = { vault: rooms.vault, clock: () => rooms.now, random, most: 10, quota };
  const accounts = createAccounts({ ...sources, admission: 'invite' });
  const limits = { accountsPerAddressPerDay: 1 };
  const config = { accounts: 'invite', limits } as unknown as ServerConfig;
  const strangers = createStrangers({ accounts, config, storage: rooms.storage }, async () => null);
  const knock = (address: string, invite: string | null, places = 1) =>
    strangers.admit({ body: encodeCall('account.open', { invite }) } as Message, address, places).then(
      () => 'heard',
      ({ code }: { code: string }) => code,
    );
  const { code } = await rooms.storage.transact((transaction) =>
    accounts.createInvite(transaction, { note: '', expiresAt: NOON + 100 }),
  );

  const answers: string[] = [];
  for (let host = 1; host <= 25; host++) {
    for (let i = 0; i < 31; i++) answers.push(await knock(`203.0.113.${host}`, 'A'.repeat(20)));
  }
  expect(answers.filter((answer) => answer === 'heard')).toHaveLength(600);
  expect(await knock('198.51.100.7', null)).toBe('QUOTA_MESSAGES');
  // Also from an address that has used up its own.
  expect(await knock('203.0.113.1', code)).toBe('heard');
  // Not when it comes in a message as long as many.
  expect(await knock('198.51.100.7', code, 9)).toBe('QUOTA_MESSAGES');
  rooms.now += 100;
  expect(await knock('198.51.100.7', code)).toBe('QUOTA_MESSAGES');
  rooms.now = NOON;
  await rooms.storage.transact((transaction) => accounts.open(transaction, person(1), code));
  expect(await knock('198.51.100.7', code)).toBe('QUOTA_MESSAGES');
});
