import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFile, sqliteLibrary } from './driver.js';
import type { Handle } from './handle.js';
import { openWithNode } from './node-driver.js';

let folder: string;
let file: string;
const opened: Handle[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-driver-'));
  file = join(folder, 'ckm.sqlite');
});
afterEach(() => {
  for (const handle of opened.splice(0)) if (handle.open) handle.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The one that runs here, and that of Node itself: on an old Node both are that. */
const DRIVERS = [
  ['the SQLite of this process', openFile],
  ['the SQLite of Node itself', openWithNode],
] as const;
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

test('the SQLite of Node itself is used where the other would end the process, and nowhere else', () => {
  expect(['', '8', '9'].map((nodeApi) => sqliteLibrary(nodeApi))).toEqual(['node', 'node', 'node']);
  expect(['10', '11', '137'].map((nodeApi) => sqliteLibrary(nodeApi))).toEqual(
    Array(3).fill('better-sqlite3'),
  );
});

describe.each(DRIVERS)('%s', (_name, openWith) => {
  function open(path = file, timeout = 0): Handle {
    const handle = openWith(path, { timeout });
    opened.push(handle);
    return handle;
  }
  const rows = (handle: Handle, sql: string, ...values: unknown[]) => handle.prepare(sql).all(values);

  test.each([
    ['bytes', 'blob', new Uint8Array([1, 0, 255])],
    ['no bytes', 'blob', new Uint8Array(0)],
    ['a buffer', 'blob', Buffer.from('abc')],
    ['part of a buffer', 'blob', Buffer.from('abcdef').subarray(2, 4)],
    ['a whole number', 'integer', 1_800_000_000_123],
    ['the largest safe number', 'integer', Number.MAX_SAFE_INTEGER],
    ['a negative number', 'integer', -1],
    ['text', 'text', 'Zürich 🏔'],
    ['no text', 'text', ''],
    ['nothing', 'blob', null],
  ])('gives %s back as it took it', (_what, type, value) => {
    const handle = open();
    handle.exec(`create table one (value ${type}) strict`);
    expect(handle.prepare('insert into one values (?)').run([value])).toMatchObject({ changes: 1 });
    const [row] = rows(handle, 'select value, typeof(value) as type from one') as [
      { value: unknown; type: string },
    ];
    expect(row.type).toBe(value === null ? 'null' : type);
    if (value instanceof Uint8Array) expect(Array.from(row.value as Uint8Array)).toEqual(Array.from(value));
    else expect(row.value).toBe(value);
    expect(rows(handle, 'select count(*) as n from one where value is ?', value)).toMatchObject([{ n: 1 }]);
  });

  test('counts what a statement changed, and nothing else', () => {
    const handle = open();
    handle.exec('create table one (a integer primary key, b integer) strict');
    const insert = handle.prepare('insert into one values (?, ?)');
    for (const a of [1, 2, 3]) expect(insert.run([a, 0]).changes).toBe(1);
    expect(handle.prepare('insert into one values (?, 9) on conflict do nothing').run([1]).changes).toBe(0);
    expect(handle.prepare('update one set b = b + ? where a > ?').run([1, 1]).changes).toBe(2);
    expect(handle.prepare('update one set b = 7 where a = 99').run([]).changes).toBe(0);
    expect(rows(handle, 'delete from one where a = ? returning a, b', 3)).toMatchObject([{ a: 3, b: 1 }]);
    expect(rows(handle, 'select typeof(b) as type from one where a = 2')).toMatchObject([
      { type: 'integer' },
    ]);
    expect(rows(handle, 'select a from one order by a limit ?', 1)).toMatchObject([{ a: 1 }]);
    expect([...handle.prepare('select a from one order by a').iterate([])]).toMatchObject([
      { a: 1 },
      { a: 2 },
    ]);
  });

  test('undoes the transaction that is open, and does nothing where none is', () => {
    const handle = open();
    handle.exec('create table one (a integer) strict');
    handle.rollback();
    handle.exec('begin immediate');
    handle.prepare('insert into one values (1)').run([]);
    handle.rollback();
    handle.rollback();
    expect(rows(handle, 'select a from one')).toEqual([]);
    handle.exec('begin immediate; insert into one values (2); commit');
    expect(rows(handle, 'select a from one')).toMatchObject([{ a: 2 }]);
  });

  test('has a name for what it refuses', () => {
    const handle = open();
    handle.exec('create table one (a integer primary key, b blob not null) strict');
    handle.exec("insert into one values (1, x'00')");
    const refused = (name: string) =>
      expect.objectContaining({ code: expect.stringContaining(name) as string }) as Error;
    expect(() => handle.prepare("insert into one values (1, x'00')").run([])).toThrow(
      refused('SQLITE_CONSTRAINT'),
    );
    expect(() => handle.prepare('insert into one values (2, null)').run([])).toThrow(
      refused('SQLITE_CONSTRAINT'),
    );
    expect(() => handle.prepare('select c from one')).toThrow(code('SQLITE_ERROR'));
    expect(() => handle.exec('select nonsense from')).toThrow(code('SQLITE_ERROR'));
    handle.exec('pragma max_page_count = 2');
    expect(() => handle.prepare('insert into one values (2, zeroblob(100000))').run([])).toThrow(
      code('SQLITE_FULL'),
    );
    handle.exec('pragma query_only = on');
    expect(() => handle.prepare('delete from one').run([])).toThrow(code('SQLITE_READONLY'));
  });

  test('says what is wrong with a file: no database, a folder, a database of which a part is gone', () => {
    writeFileSync(file, 'this is no database, but longer than its header is '.repeat(20));
    expect(() => open().exec('select * from sqlite_schema')).toThrow(code('SQLITE_NOTADB'));
    expect(() => open(folder)).toThrow(code('SQLITE_CANTOPEN'));
    const cut = join(folder, 'cut');
    const handle = open(cut);
    handle.exec('create table one (b blob) strict; insert into one values (zeroblob(100000))');
    handle.close();
    truncateSync(cut, 20_000);
    expect(() => rows(open(cut), 'select b from one')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^SQLITE_(CORRUPT|IOERR)/) as string }) as Error,
    );
  });

  test('refuses a file that somebody else has locked, after it has waited as long as it was told to', () => {
    const holder = open();
    holder.exec('begin exclusive');
    const other = open(file, 50);
    const since = performance.now();
    expect(() => other.exec('begin exclusive')).toThrow(code('SQLITE_BUSY'));
    expect(performance.now() - since).toBeGreaterThan(45);
    holder.close();
    other.exec('begin exclusive');
  });

  test('lets go of a file when it is closed, and does nothing with it any more', () => {
    const handle = open();
    handle.exec('create table one (a integer) strict');
    const insert = handle.prepare('insert into one values (1)');
    handle.exec('begin exclusive');
    handle.close();
    expect(handle.open).toBe(false);
    expect(() => insert.run([])).toThrow();
    open().exec('begin exclusive');
  });
});
