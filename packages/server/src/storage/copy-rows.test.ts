import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareRows, copyRows } from './copy-rows.js';
import { openSqlite } from './sqlite/sqlite.js';
import type { Storage, Transaction } from './storage.js';

const id = (number: number) => new Uint8Array(32).fill(number);
const sealed = (number = 7) => new Uint8Array(60).fill(number);
const account = (number: number) =>
  ({ xid: id(number), status: 'active', version: 1, openedAt: 10, sealed: sealed() }) as const;

let folder: string;
let one: Storage;
let other: Storage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-copy-'));
  one = await openSqlite({ file: join(folder, 'one') });
  other = await openSqlite({ file: join(folder, 'other') });
  await one.transact(async ({ meta, accounts, messages, keys, deposits, audit }) => {
    for (const name of ['b', 'a', 'own']) await meta.put({ name, sealed: sealed() });
    for (let i = 1; i <= 150; i++) await accounts.insert(account(i));
    await messages.record(id(1), id(2), 99);
    await keys.insert({
      owner: id(1),
      keyId: id(3),
      state: 'active',
      epoch: 0,
      version: 1,
      createdAt: 1,
      sealed: sealed(),
    });
    await deposits.insert({ owner: id(1), receipt: id(5), sealed: sealed() });
    await audit.append(
      { sequence: 1, previous: id(0), hash: id(4), sealed: sealed() },
      { sequence: 1, hash: id(4), sealed: sealed() },
    );
  });
});
afterEach(async () => {
  await one.close();
  await other.close();
  rmSync(folder, { recursive: true, force: true });
});

const copy = () => one.read((from) => other.transact((to) => copyRows(from, to, ['own'])));
const compare = () => one.read((from) => other.read((to) => compareRows(from, to, ['own'])));

test('a copy has every row of every table but those of the database itself, what owners occupy, and what was answered', async () => {
  expect(await copy()).toBe(2 + 150 + 1 + 1 + 1 + 1 + 1);
  expect(await compare()).toBe(157);
  expect(await other.read(({ meta }) => meta.find('own'))).toBeNull();
  expect(await other.read((reader) => reader.bytesOf(id(1)))).toBe(120);
  expect(await other.read(({ messages }) => messages.seen(id(1), id(2)))).toBe(true);
});

const changes: Readonly<Record<string, (transaction: Transaction) => Promise<unknown>>> = {
  'a row more': ({ accounts }) => accounts.insert(account(200)),
  'a message more': ({ messages }) => messages.record(id(1), id(9), 99),
  'a message less': ({ messages }) => messages.forgetExpired(1_000),
  'another seal': ({ meta }) => meta.put({ name: 'a', sealed: sealed(8) }),
  'another version': ({ accounts }) => accounts.update({ ...account(3), version: 2 }),
  'no head of the log': ({ audit }) => audit.removeHead(),
  'nothing at all': (transaction) => transaction.sealed.removeAll(),
};

test.each(Object.keys(changes))('a copy with %s is not the same, on either side', async (name) => {
  await copy();
  await other.transact(changes[name]!);
  await expect(compare()).rejects.toMatchObject({ code: 'STORAGE_COPY_DIFFERS' });
  await expect(other.read((from) => one.read((to) => compareRows(from, to, ['own'])))).rejects.toMatchObject({
    code: 'STORAGE_COPY_DIFFERS',
  });
});

test('a database whose rows were all removed is filled again', async () => {
  await copy();
  await other.transact(({ sealed: rows }) => rows.removeAll());
  expect(await other.read((reader) => reader.bytesOf(id(1)))).toBe(0);
  await copy();
  expect(await compare()).toBe(157);
});
