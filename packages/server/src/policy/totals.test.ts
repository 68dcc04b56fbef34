import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DatabaseFile } from '../test/database-file.js';
import { NOON, openRooms, type Rooms } from '../test/rooms.js';
import { addToTotals, readTotals, type SummedKey } from './totals.js';

const owner = new Uint8Array(32).fill(0xa1);
const keyId = new Uint8Array(32).fill(2);
const DAY = 86_400;
const KEY: SummedKey = { owner, keyId, counting: null };
const TOTALS = [
  { fact: 'amountSats', within: DAY },
  { fact: 'feeSats', within: DAY },
  { fact: 'amountSats', within: 7 * DAY },
];
const id = (number: number) => new Uint8Array(32).fill(number);

let rooms: Rooms;
beforeEach(async () => {
  rooms = await openRooms();
  await rooms.storage.transact(({ accounts }) =>
    accounts.insert({ xid: owner, status: 'active', version: 1, openedAt: 0, sealed: new Uint8Array(60) }),
  );
});
afterEach(() => rooms.close());

function add(number: number, amountSats: number, now: number, at: number | null = null) {
  const facts = { amountSats, feeSats: 1, feeShare: 7, destinations: ['x'], kind: ['bitcoin'] };
  const request = { requestId: id(number), number: at };
  return rooms.storage.transact((transaction) =>
    addToTotals(rooms.vault, transaction, KEY, { request, kind: 'bitcoin', facts, now }),
  );
}

/** Of the day, its fees, and of the week. */
async function before(now: number, key: SummedKey = KEY, number: number | null = null, request = 99) {
  const totals = TOTALS.map((total) => ({ ...total, most: 1_000 }));
  const asked = { totals, request: { requestId: id(request), number }, now };
  const said = await rooms.storage.read((reader) => readTotals(rooms.vault, reader, key, asked));
  return TOTALS.map(said);
}

describe('what was let in of a key', () => {
  test('is summed by fact and window, up to the second', async () => {
    expect(await before(NOON)).toEqual([0, 0, 0]);
    expect(await add(1, 100, NOON)).toBe(1);
    expect(await add(2, 30, NOON + 10)).toBe(2);
    expect(await before(NOON + 20)).toEqual([130, 2, 130]);
    expect(await before(NOON + DAY - 1)).toEqual([130, 2, 130]);
    expect(await before(NOON + DAY)).toEqual([30, 1, 130]);
    expect(await before(NOON + DAY + 10)).toEqual([0, 0, 130]);
    expect(await before(NOON + 7 * DAY)).toEqual([0, 0, 30]);
  });

  test('counts a request once, and judges it later as it was then', async () => {
    await add(1, 100, NOON);
    const number = await add(2, 30, NOON + 10);
    await add(3, 500, NOON + 20);
    expect(await add(2, 30, NOON + 30, number)).toBeNull();
    expect(await before(NOON + 40)).toEqual([630, 3, 630]);
    expect(await before(NOON + 40, KEY, number, 2)).toEqual([100, 1, 100]);
    expect(await before(NOON + 40, KEY, 1, 1)).toEqual([0, 0, 0]);
  });

  test('takes no number for a request that is another one, as where a backup came back', async () => {
    await add(1, 100, NOON);
    expect(await before(NOON + 1, KEY, 1, 7)).toEqual([100, 1, 100]);
    expect(await before(NOON + 1, KEY, 9, 7)).toEqual([100, 1, 100]);
    expect(await add(7, 1, NOON + 1, 1)).toBe(2);
  });

  test('has no end: sums beyond what a number holds stay right in their differences', async () => {
    const most = 2_100_000_000_000_000;
    for (let number = 1; number <= 8; number++) await add(number, most, NOON - 8 * DAY);
    await add(9, 5, NOON);
    expect(await before(NOON)).toEqual([5, 1, 5]);
  });

  test('is the same whatever a clock does that goes back', async () => {
    await add(1, 100, NOON);
    await add(2, 30, NOON - 5 * DAY);
    expect(await before(NOON - 5 * DAY)).toEqual([130, 2, 130]);
    expect(await before(NOON + DAY - 1)).toEqual([130, 2, 130]);
  });

  test('P14: is not known for a window that a server has not seen whole, unless its operator lets it go by what it has', async () => {
    await add(1, 100, NOON);
    const counting = { at: NOON - 2 * DAY, nonce: id(1), told: [] };
    expect(await before(NOON + 1, { ...KEY, counting })).toEqual([100, 1, null]);
    expect(await before(NOON + 5 * DAY, { ...KEY, counting })).toEqual([0, 0, 100]);
    const now = { ...counting, at: NOON + 1 };
    expect(await before(NOON + 2, { ...KEY, counting: now })).toEqual([null, null, null]);
    const released = { ...now, isReleased: true };
    expect(await before(NOON + 2, { ...KEY, counting: released })).toEqual([100, 1, 100]);
    expect(await before(NOON + 2, { ...KEY, summing: NOON - DAY })).toEqual([100, 1, null]);
  });

  test('is kept as long as a window can reach, and no longer', async () => {
    for (let number = 1; number <= 64; number++) await add(number, 1, NOON + number * DAY);
    const find = (number: number) =>
      rooms.storage.read(async ({ totals }) => (await totals.find(owner, keyId, number)) !== null);
    expect(await Promise.all([1, 32, 33, 34].map(find))).toEqual([false, false, true, true]);
    expect(await before(NOON + 64 * DAY)).toEqual([1, 1, 7]);
  });
});

test('reads nothing where no rule looks at a sum', async () => {
  const reader = {} as Parameters<typeof readTotals>[1];
  const asked = { totals: [], request: { requestId: id(1), number: 1 }, now: NOON };
  expect((await readTotals(rooms.vault, reader, KEY, asked))({ fact: 'amountSats', within: 1 })).toBeNull();
});

test('a row that somebody changed is not believed', async () => {
  await add(1, 100, NOON);
  await add(2, 30, NOON);
  await rooms.tamper((database: DatabaseFile) => {
    database.exec('update totals set sealed = (select sealed from totals where number = 1) where number = 2');
  });
  await expect(before(NOON)).rejects.toMatchObject({ code: 'ROW_TAMPERED' });
});
