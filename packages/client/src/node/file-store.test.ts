import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileStore } from './file-store.js';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ckm-test-'));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const bytes = (...values: number[]) => Uint8Array.from(values);
const root = () => join(scratch, 'store');

describe('records as files', () => {
  test('what was put comes back, also in another process, and nothing else does', async () => {
    await fileStore(root()).put('servers/alpha', bytes(1, 2, 3));
    const again = fileStore(root());
    expect(await again.get('servers/alpha')).toEqual(bytes(1, 2, 3));
    expect(await again.get('servers/bravo')).toBeNull();
    expect(await again.get('servers/alpha/deeper')).toBeNull();
  });

  test('lists what is below a folder, sorted, and passes over strange files', async () => {
    const store = fileStore(root());
    for (const path of ['keys/b', 'keys/a', 'pool/x/1', 'servers/a']) await store.put(path, bytes(0));
    writeFileSync(join(root(), 'keys', '.a.123.new'), 'left by a crash');
    expect(await store.list('keys')).toEqual(['keys/a', 'keys/b']);
    expect(await store.list('pool')).toEqual(['pool/x/1']);
    expect(await store.list('nothing')).toEqual([]);
  });

  test('a deleted record is gone; deleting it again is no error', async () => {
    const store = fileStore(root());
    await store.put('keys/a', bytes(1));
    await store.delete('keys/a');
    await store.delete('keys/a');
    expect(await store.get('keys/a')).toBeNull();
  });

  test('nobody else may read folders or files', async () => {
    await fileStore(root()).put('keys/a', bytes(1));
    expect(statSync(root()).mode & 0o777).toBe(0o700);
    expect(statSync(join(root(), 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(root(), 'keys/a')).mode & 0o777).toBe(0o600);
  });

  test('replacing leaves no second file behind', async () => {
    const store = fileStore(root());
    await store.put('keys/a', bytes(1));
    await store.put('keys/a', bytes(2));
    expect(readdirSync(join(root(), 'keys'))).toEqual(['a']);
  });

  test('every changed, missing or added byte of a file is noticed', async () => {
    const store = fileStore(root());
    await store.put('keys/a', bytes(7, 8, 9));
    const file = join(root(), 'keys/a');
    const good = readFileSync(file);
    const damaged = Array.from(good.keys(), (i) =>
      Buffer.from(good.map((byte, at) => (at === i ? byte ^ 1 : byte))),
    );
    damaged.push(good.subarray(0, -1), Buffer.concat([good, Buffer.from([0])]), Buffer.alloc(0));
    for (const content of damaged) {
      writeFileSync(file, content);
      await expect(store.get('keys/a')).rejects.toMatchObject({ code: 'STORE_CORRUPT', exitCode: 74 });
    }
  });

  test.each(['../outside', 'keys/../../x', '/etc/passwd', 'keys//a', 'keys/.hidden', 'keys/A', ''])(
    'the path %j never reaches the disk',
    async (path) => {
      await expect(fileStore(root()).put(path, bytes(1))).rejects.toMatchObject({
        code: 'STORE_PATH_INVALID',
      });
    },
  );

  test('a folder in the place of a file, or a link that leads nowhere or in a circle, is an error of that record', async () => {
    const store = fileStore(root());
    await store.put('keys/good', bytes(1));
    mkdirSync(join(root(), 'keys', 'folder'));
    symlinkSync('nowhere', join(root(), 'keys', 'dangling'));
    symlinkSync('circle', join(root(), 'keys', 'circle'));
    expect(await store.list('keys')).toEqual(['keys/circle', 'keys/dangling', 'keys/good']);
    for (const name of ['folder', 'dangling', 'circle'])
      await expect(store.get(`keys/${name}`)).rejects.toMatchObject({
        code: 'RECORD_UNREADABLE',
        exitCode: 74,
      });
  });
});

describe('the lock', () => {
  test('lets two processes count without losing a step', { tags: 'slow' }, async () => {
    const stores = [fileStore(root()), fileStore(root())];
    await stores[0]!.put('count', bytes(0));
    const step = (store: (typeof stores)[number]) =>
      store.exclusive('count', async () => {
        const now = await store.get('count');
        await store.put('count', bytes(now![0]! + 1));
      });
    await Promise.all(Array.from({ length: 20 }, (_, i) => step(stores[i % 2]!)));
    expect(await stores[0]!.get('count')).toEqual(bytes(20));
  });

  test('left by a process that died is taken over, and leaves nothing behind', async () => {
    mkdirSync(root(), { recursive: true });
    writeFileSync(join(root(), 'count.lock'), '999999999\n');
    expect(await fileStore(root()).exclusive('count', async () => 'in')).toBe('in');
    expect(readdirSync(root())).toEqual([]);
  });

  test('of a process whose number another one has by now is taken over', async () => {
    mkdirSync(root(), { recursive: true });
    writeFileSync(join(root(), 'count.lock'), `${process.pid} 1\n`);
    expect(await fileStore(root()).exclusive('count', async () => 'in')).toBe('in');
    expect(readdirSync(root())).toEqual([]);
  });

  test('takes away what killed processes left an hour ago, and nothing that is younger or something else', async () => {
    const store = fileStore(root());
    await store.put('keys/a', bytes(1));
    const old = ['count.lock.mine.0123456789ab', 'count.lock.old.0123456789ab', 'keys/.a.0123456789ab.new'];
    const kept = ['count.lock.mine.ba9876543210', 'notes.txt', 'keys/.hidden'];
    for (const name of [...old, ...kept]) writeFileSync(join(root(), name), '1\n');
    const twoHoursAgo = Date.now() / 1000 - 7_200;
    for (const name of [...old, 'notes.txt', 'keys/.hidden', 'keys/a'])
      utimesSync(join(root(), name), twoHoursAgo, twoHoursAgo);
    await store.exclusive('count', async () => 1);
    expect(new Set(readdirSync(root(), { recursive: true, encoding: 'utf8' }))).toEqual(
      new Set(['keys', 'keys/a', ...kept]),
    );
  });

  test('is given back when the work fails', async () => {
    const store = fileStore(root());
    const failing = store.exclusive('count', async () => {
      throw new TypeError('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await store.exclusive('count', async () => 1)).toBe(1);
  });
});
