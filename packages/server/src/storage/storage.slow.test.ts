import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from './postgres/postgres.js';
import { openFile } from './sqlite/driver.js';
import type { OpenFile } from './sqlite/handle.js';
import { answersRows, openWithNode } from './sqlite/node-driver.js';
import { openSqlite } from './sqlite/sqlite.js';
import type { AccountRow, KeyRow, ExpiryCursor, RequestRow, SessionRow, Storage } from './storage.js';

const random = (length: number) => new Uint8Array(randomBytes(length));
const id = (number: number) => new Uint8Array(32).fill(number);
const sealed = (length = 60) => new Uint8Array(length).fill(7);
const alice = id(0xa1);
const bob = id(0xb0);

const account = (xid: Uint8Array): AccountRow => ({
  xid,
  status: 'active',
  version: 1,
  openedAt: 10,
  sealed: sealed(),
});
const session = (row: Partial<SessionRow> = {}): SessionRow => ({
  owner: alice,
  sessionId: id(1),
  keyId: id(2),
  state: 'accepted',
  open: true,
  version: 1,
  createdAt: 100,
  expiresAt: 200,
  sealed: sealed(),
  ...row,
});
const key = (row: Partial<KeyRow> = {}): KeyRow => ({
  owner: alice,
  keyId: id(2),
  state: 'active',
  epoch: 0,
  version: 1,
  createdAt: 100,
  sealed: sealed(),
  ...row,
});
const request = (row: Partial<RequestRow> = {}): RequestRow => ({
  owner: alice,
  requestId: id(3),
  keyId: id(2),
  state: 'ready',
  waiting: false,
  version: 1,
  createdAt: 100,
  expiresAt: 200,
  sealed: sealed(),
  ...row,
});
interface Bench {
  readonly name: string;
  readonly available: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A new, empty database; `again` opens the same one once more. */
  open(): Promise<{ storage: Storage; again(): Promise<Storage> }>;
}

function sqliteBench(name: string, openWith = openFile): Bench {
  let folder = '';
  let files = 0;
  return {
    name,
    available: true,
    start: async () => void (folder = mkdtempSync(join(tmpdir(), 'ckm-sqlite-'))),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
    open: async () => {
      const file = join(folder, `${++files}.sqlite`);
      const again = () => openSqlite({ file, openWith });
      return { storage: await again(), again };
    },
  };
}

function postgresBench(): Bench {
  let cluster: PostgresCluster | null = null;
  return {
    name: 'PostgreSQL',
    available: postgresPrograms() !== null,
    start: async () => void (cluster = await startPostgres()),
    stop: async () => cluster?.stop(),
    open: async () => {
      const url = await cluster!.createDatabase();
      return { storage: await openPostgres({ url }), again: () => openPostgres({ url }) };
    },
  };
}

/** Of every statement of these tests: the SQLite of Node itself would be asked for rows where there are any, and else for counts. */
const openAndCompare: OpenFile = (path, options) => {
  const handle = openFile(path, options);
  const prepare: typeof handle.prepare = (sql) => {
    const statement = handle.prepare(sql);
    if (statement.reader || /^\s*(insert|update|delete|replace|with)/i.test(sql))
      expect([sql, answersRows(sql)]).toEqual([sql, statement.reader]);
    return statement;
  };
  return Object.assign(Object.create(handle) as typeof handle, { prepare });
};

const BENCHES = [
  sqliteBench('SQLite', openAndCompare),
  sqliteBench('the SQLite of Node itself', openWithNode),
  postgresBench(),
];
for (const bench of BENCHES) {
  const reason = bench.available ? '' : ' (skipped: PostgreSQL is not installed here)';
  describe.skipIf(!bench.available)(`storage on ${bench.name}${reason}`, () => {
    let storage: Storage;
    let again: () => Promise<Storage>;
    const opened: Storage[] = [];

    beforeAll(() => bench.start());
    afterAll(() => bench.stop());
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    async function openWithPeople(): Promise<void> {
      const fresh = await bench.open();
      storage = fresh.storage;
      again = fresh.again;
      opened.push(storage);
      await storage.transact(async ({ accounts }) => {
        await accounts.insert(account(alice));
        await accounts.insert(account(bob));
      });
    }

    async function reopen(): Promise<void> {
      await storage.close();
      storage = await again();
      opened.push(storage);
    }

    test('what was committed is there after the database was closed and opened', async () => {
      await openWithPeople();
      await storage.transact(({ keys }) => keys.insert(key({ sealed: random(80) })));
      const before = await storage.read(({ keys }) => keys.find(alice, id(2)));
      await reopen();
      const after = await storage.read(({ keys }) => keys.find(alice, id(2)));
      expect(after).toEqual(before);
      expect(after?.sealed.constructor).toBe(Uint8Array);
    });

    test('a transaction that fails leaves nothing behind, and others that wait with it are kept', async () => {
      await openWithPeople();
      const outcomes = await Promise.allSettled([
        storage.transact(({ keys }) => keys.insert(key({ keyId: id(21) }))),
        storage.transact(async ({ keys }) => {
          await keys.insert(key({ keyId: id(22) }));
          throw new Error('the deed failed');
        }),
        storage.transact(({ keys }) => keys.insert(key({ keyId: id(23) }))),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      const kept = await storage.read(({ keys }) => keys.list(alice, { after: null, limit: 10 }));
      expect(kept.map(({ keyId }) => keyId[0])).toEqual([21, 23]);
      expect(await storage.read(({ bytesOf }) => bytesOf(alice))).toBe(120);
    });

    test('a read never sees what a transaction has not committed', async () => {
      await openWithPeople();
      let goOn = (): void => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const writing = storage.transact(async ({ keys }) => {
        await keys.insert(key());
        await held;
        throw new Error('rolled back');
      });
      const reading = storage.read(({ keys }) => keys.find(alice, id(2)));
      goOn();
      await expect(writing).rejects.toThrow('rolled back');
      expect(await reading).toBeNull();
    });

    test('an id that is taken is refused by name, and only for the same owner', async () => {
      await openWithPeople();
      await storage.transact(({ keys }) => keys.insert(key()));
      await expect(storage.transact(({ keys }) => keys.insert(key()))).rejects.toMatchObject({
        errorClass: 'StateError',
        code: 'ROW_EXISTS',
      });
      await storage.transact(({ keys }) => keys.insert(key({ owner: bob })));
      const found = await storage.read(({ keys }) => keys.withIdBetween(id(2), id(2), 9));
      expect(found.map(({ owner }) => owner[0])).toEqual([0xa1, 0xb0]);
      await storage.transact(({ keys }) => keys.insert(key({ keyId: id(1) })));
      const all = await storage.read(({ keys }) => keys.listAll(null, 2));
      expect(all.map(({ owner, keyId }) => [owner[0], keyId[0]])).toEqual([
        [0xa1, 1],
        [0xa1, 2],
      ]);
      const rest = await storage.read(({ keys }) => keys.listAll(all.at(-1)!, 2));
      expect(rest.map(({ owner, keyId }) => [owner[0], keyId[0]])).toEqual([[0xb0, 2]]);
    });

    test('of two writers that read the same version, one is told to read again', async () => {
      await openWithPeople();
      await storage.transact(({ sessions }) => sessions.insert(session()));
      await storage.transact(({ sessions }) => sessions.update(session({ version: 2, state: 'running' })));
      await expect(
        storage.transact(({ sessions }) => sessions.update(session({ version: 2, state: 'cancelled' }))),
      ).rejects.toMatchObject({ code: 'ROW_CHANGED', retryable: true });
      const row = await storage.read(({ sessions }) => sessions.find(alice, id(1)));
      expect(row).toMatchObject({ state: 'running', version: 2, open: true });
    });

    test('a second packet in one place (round, sender, receiver) is not stored, whatever its bytes', async () => {
      await openWithPeople();
      const place = { round: 0, sender: 2, receiver: 0 };
      const packet = { owner: alice, sessionId: id(1), ...place, sealed: sealed() };
      await storage.transact(({ sessions }) => sessions.insert(session()));
      const stored = await storage.transact(async ({ packets }) => [
        await packets.insert(packet),
        await packets.insert({ ...packet, sealed: sealed(61) }),
        await packets.insert({ ...packet, round: 1 }),
        await packets.insert({ ...packet, receiver: 3 }),
        await packets.insert({ ...packet, receiver: 3, sealed: sealed(61) }),
      ]);
      expect(stored).toEqual([true, false, true, true, false]);
      const inRound = await storage.read(({ packets }) => packets.list(alice, id(1), 0));
      expect(inRound.map(({ receiver }) => receiver)).toEqual([0, 3]);
      const first = await storage.read(({ packets }) => packets.find(alice, id(1), place));
      expect(first?.sealed).toHaveLength(60);
    });

    test('a message is recorded once, also across a restart, until it is forgotten', async () => {
      await openWithPeople();
      const record = () => storage.transact(({ messages }) => messages.record(alice, id(9), 500));
      expect(await record()).toBe(true);
      expect(await record()).toBe(false);
      await reopen();
      expect(await record()).toBe(false);
      expect(await storage.transact(({ messages }) => messages.forgetExpired(500))).toBe(0);
      expect(await storage.transact(({ messages }) => messages.forgetExpired(501))).toBe(1);
      expect(await storage.read(({ messages }) => messages.seen(alice, id(9)))).toBe(false);
    });

    test('an invite is used by one account only, also when two ask at once', async () => {
      await openWithPeople();
      const invite = { codeHash: id(5), usedBy: null, createdAt: 1, expiresAt: 9, sealed: sealed() };
      await storage.transact(({ invites }) => invites.insert(invite));
      const outcomes = await Promise.all(
        [alice, bob].map((usedBy) => storage.transact(({ invites }) => invites.use({ ...invite, usedBy }))),
      );
      expect(outcomes.filter((used) => used)).toHaveLength(1);
    });

    test('requests are counted within their window, with those of a clock that was ahead', async () => {
      await openWithPeople();
      await storage.transact(async ({ keys, requests }) => {
        await keys.insert(key());
        for (const [number, createdAt] of [100, 150, 200, 9_999].entries()) {
          await requests.insert(request({ requestId: id(number), createdAt, waiting: number === 1 }));
        }
      });
      const count = (since: number, limit: number) =>
        storage.read(({ requests }) => requests.countForKey(alice, id(2), since, limit));
      expect(await count(100, 10)).toBe(3);
      expect(await count(0, 2)).toBe(2);
      const uses = async (since: number, limit: number) => {
        const found = await storage.read(({ requests }) => requests.usesOf(alice, id(2), since, limit));
        return found.map(({ createdAt, isAttempted }) => (isAttempted ? createdAt : -createdAt));
      };
      expect(await uses(0, 10)).toEqual([-100, -150, -200, -9_999]);
      await storage.transact(async ({ attempts }) => {
        for (const [of, number] of [
          [0, 1],
          [2, 1],
          [2, 2],
          [3, 1],
        ] as const)
          await attempts.insert({ owner: alice, requestId: id(of), number, sealed: new Uint8Array(60) });
      });
      expect(await uses(0, 10)).toEqual([100, -150, 200, 9_999]);
      expect(await uses(100, 10)).toEqual([-150, 200, 9_999]);
      expect(await uses(0, 2)).toEqual([100, -150]);
      expect(await storage.read(({ requests }) => requests.countWaiting(alice))).toBe(1);
      const waiting = await storage.read(({ requests }) => requests.listWaiting(0, null, 5));
      expect(waiting.map(({ createdAt }) => createdAt)).toEqual([150]);
    });

    test('what waits is listed page by page, oldest first, counted, and found by the first digits of its id', async () => {
      await openWithPeople();
      await storage.transact(async ({ keys, requests }) => {
        for (const owner of [alice, bob]) await keys.insert(key({ owner }));
        for (const [at, owner] of [alice, bob, alice, bob].entries()) {
          const requestId = id(0x10 + at);
          await requests.insert(
            request({ owner, requestId, createdAt: 100 + (at >> 1), waiting: true, expiresAt: 200 }),
          );
        }
        await requests.insert(request({ requestId: id(0x14), waiting: true, expiresAt: 150 }));
        await requests.insert(request({ requestId: id(0x15), waiting: false }));
      });
      const names = (rows: readonly RequestRow[]) => rows.map(({ requestId }) => requestId[0]! - 0x10);
      const listed: RequestRow[] = [];
      for (let pages = 0; pages < 9; pages++) {
        const behind = listed.at(-1) ?? null;
        listed.push(...(await storage.read(({ requests }) => requests.listWaiting(150, behind, 1))));
      }
      expect(names(listed)).toEqual([0, 1, 2, 3]);
      const [lowest, highest] = [id(0x11), new Uint8Array(32).fill(0xff).fill(0x14, 0, 1)];
      const found = await storage.read(({ requests }) =>
        requests.waitingWithIdBetween(lowest, highest, 150, 9),
      );
      expect(names(found)).toEqual([1, 2, 3]);
      expect(await storage.read(({ requests }) => requests.countListed(150))).toBe(4);
      const own = await storage.read(({ requests }) => requests.waitingOf(bob, 100, 9));
      expect(names(own)).toEqual([1]);
    });

    test('what waits in the name of a suspended account is neither listed nor found, only taken away', async () => {
      await openWithPeople();
      await storage.transact(async ({ accounts, keys, requests }) => {
        await keys.insert(key());
        await requests.insert(request({ waiting: true, expiresAt: 200 }));
        await accounts.update({ ...account(alice), status: 'suspended', version: 2 });
      });
      const seen = await storage.read(async ({ requests }) => [
        await requests.listWaiting(100, null, 9),
        await requests.waitingWithIdBetween(id(0), id(0xff), 100, 9),
        await requests.countListed(100),
        (await requests.waitingOf(alice, 100, 9)).length,
      ]);
      expect(seen).toEqual([[], [], 0, 1]);
    });

    test('ceremonies that wait are listed by id and counted; not those that run, have expired, or are of suspended accounts', async () => {
      await openWithPeople();
      await storage.transact(async ({ sessions, accounts }) => {
        for (const number of [12, 11])
          await sessions.insert(session({ sessionId: id(number), state: 'proposed', expiresAt: 200 }));
        await sessions.insert(session({ sessionId: id(13), state: 'running', expiresAt: 200 }));
        await sessions.insert(session({ sessionId: id(14), state: 'proposed', expiresAt: 100 }));
        await sessions.insert(session({ owner: bob, state: 'proposed', expiresAt: 200 }));
        await accounts.update({ ...account(bob), status: 'suspended', version: 2 });
      });
      const waiting = await storage.read(({ sessions }) => sessions.listWaiting(100, null, 9));
      expect(waiting.map(({ sessionId }) => sessionId[0])).toEqual([11, 12]);
      expect(await storage.read(({ sessions }) => sessions.countListed(100))).toBe(2);
    });

    test('an invite is found by the first digits of its hash, and taken back only while nobody has used it', async () => {
      await openWithPeople();
      const invite = (number: number, usedBy: Uint8Array | null = null) =>
        ({ codeHash: id(number), usedBy, createdAt: 1, expiresAt: 200, sealed: sealed() }) as const;
      await storage.transact(async ({ invites }) => {
        for (const row of [invite(0x21), invite(0x22, bob), invite(0x31)]) await invites.insert(row);
      });
      const last = new Uint8Array(32).fill(0xff).fill(0x2f, 0, 1);
      const found = await storage.read(({ invites }) => invites.withHashBetween(id(0x20), last, 9));
      expect(found.map(({ codeHash }) => codeHash[0])).toEqual([0x21, 0x22]);
      const removed = (number: number) => storage.transact(({ invites }) => invites.removeUnused(id(number)));
      expect([await removed(0x21), await removed(0x21), await removed(0x22)]).toEqual([true, false, false]);
      expect(await storage.read(({ invites }) => invites.find(id(0x22)))).toMatchObject({ usedBy: bob });
    });

    test('what is overdue is found, oldest first, and nothing that is closed', async () => {
      await openWithPeople();
      await storage.transact(async ({ sessions }) => {
        await sessions.insert(session({ sessionId: id(11), expiresAt: 300 }));
        await sessions.insert(session({ sessionId: id(12), expiresAt: 200 }));
        await sessions.insert(session({ sessionId: id(13), expiresAt: 100, state: 'finished', open: false }));
      });
      const overdue = await storage.read(({ sessions }) => sessions.overdue(300, 10));
      expect(overdue.map(({ sessionId }) => sessionId[0])).toEqual([12, 11]);
      expect(await storage.read(({ sessions }) => sessions.countOpen(alice))).toBe(2);
    });

    test('the bytes of an owner follow inserts, updates and removals', async () => {
      await openWithPeople();
      const bytes = () => storage.read(({ bytesOf }) => bytesOf(alice));
      await storage.transact(async ({ sessions, packets, keys, requests, attempts }) => {
        await sessions.insert(session());
        await packets.insert({
          owner: alice,
          sessionId: id(1),
          round: 0,
          sender: 1,
          receiver: 0,
          sealed: sealed(100),
        });
        await keys.insert(key());
        await requests.insert(request());
        await attempts.insert({ owner: alice, requestId: id(3), number: 1, sealed: sealed(50) });
      });
      expect(await bytes()).toBe(60 + 100 + 60 + 60 + 50);
      await storage.transact(async ({ sessions, keys, requests }) => {
        await sessions.update(session({ version: 2, sealed: sealed(50) }));
        await keys.update(key({ version: 2, sealed: sealed(70) }));
        await requests.update(request({ version: 2, sealed: sealed(45) }));
      });
      expect(await bytes()).toBe(50 + 100 + 70 + 45 + 50);
      await storage.transact(({ sessions, requests }) =>
        Promise.all([sessions.remove(alice, id(1)), requests.remove(alice, id(3))]),
      );
      expect(await bytes()).toBe(70);
      expect(await storage.read(({ bytesOf }) => bytesOf(bob))).toBe(0);
    });

    test('what is over comes page by page, oldest first, whoever owns it; what is open or waits does not', async () => {
      await openWithPeople();
      await storage.transact(async ({ sessions, keys, requests }) => {
        await keys.insert(key());
        await keys.insert(key({ owner: bob }));
        for (const expiresAt of [300, 100]) {
          for (const owner of [bob, alice]) {
            const ended = { owner, expiresAt, open: false };
            await sessions.insert(session({ ...ended, sessionId: id(expiresAt / 100) }));
            await requests.insert(request({ owner, expiresAt, requestId: id(expiresAt / 100) }));
          }
        }
        await sessions.insert(session({ sessionId: id(9), expiresAt: 50 }));
        await requests.insert(request({ requestId: id(9), expiresAt: 50, waiting: true }));
      });
      type Row = SessionRow | RequestRow;
      const next = (table: 'sessions' | 'requests', after: ExpiryCursor | null): Promise<readonly Row[]> =>
        storage.read<readonly Row[]>((reader) => reader[table].over(300, after, 1));
      const walk = async (table: 'sessions' | 'requests') => {
        const seen: [number, number][] = [];
        for (let rows = await next(table, null); rows.length > 0;) {
          const { expiresAt, owner, ...row } = rows[0]!;
          seen.push([expiresAt, owner[0]!]);
          rows = await next(table, {
            expiresAt,
            owner,
            id: 'sessionId' in row ? row.sessionId : row.requestId,
          });
        }
        return seen;
      };
      const inOrder = [
        [100, 0xa1],
        [100, 0xb0],
        [300, 0xa1],
        [300, 0xb0],
      ];
      expect(await walk('sessions')).toEqual(inOrder);
      expect(await walk('requests')).toEqual(inOrder);
      expect(await storage.read(({ requests }) => requests.over(299, null, 9))).toHaveLength(2);
    });

    test('the audit head moves with its rows, in one transaction', async () => {
      await openWithPeople();
      const row = (sequence: number) => ({
        row: { sequence, previous: id(sequence - 1), hash: id(sequence), sealed: sealed() },
        head: { sequence, hash: id(sequence), sealed: sealed() },
      });
      expect(await storage.transact(({ audit }) => audit.holdHead())).toBeNull();
      for (const sequence of [1, 2]) {
        await storage.transact(async ({ audit }) => {
          await audit.holdHead();
          await audit.append(row(sequence).row, row(sequence).head);
        });
      }
      await expect(
        storage.transact(({ audit }) => audit.append(row(2).row, row(2).head)),
      ).rejects.toMatchObject({
        code: 'ROW_EXISTS',
      });
      expect(await storage.read(({ audit }) => audit.head())).toMatchObject({ sequence: 2 });
      expect(await storage.read(({ audit }) => audit.list(2, 10))).toHaveLength(1);
    });

    test('a row that breaks a rule of its table is refused by the database itself', async () => {
      await openWithPeople();
      const broken = [
        storage.transact(({ keys }) => keys.insert(key({ keyId: new Uint8Array(31) }))),
        storage.transact(({ keys }) => keys.insert(key({ sealed: new Uint8Array(44) }))),
        storage.transact(({ keys }) => keys.insert(key({ owner: id(99) }))),
        storage.transact(({ keys }) => keys.insert({ ...key(), state: 'retired' as 'active' })),
      ];
      for (const outcome of await Promise.allSettled(broken)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORAGE_CONSTRAINT' } });
      }
    });

    test('a removed key takes its tightening with it', async () => {
      await openWithPeople();
      await storage.transact(async ({ keys, tightenings }) => {
        await keys.insert(key());
        await tightenings.put({ owner: alice, keyId: id(2), version: 1, sealed: sealed() });
        await tightenings.put({ owner: alice, keyId: id(2), version: 2, sealed: sealed() });
      });
      await storage.transact(({ keys }) => keys.remove(alice, id(2)));
      const left = await storage.read(async ({ tightenings, bytesOf }) => [
        await tightenings.find(alice, id(2)),
        await bytesOf(alice),
      ]);
      expect(left).toEqual([null, 0]);
    });

    test('what was shown of keys is gone through key by key, the earliest epoch of each', async () => {
      await openWithPeople();
      const shown = [
        [alice, 5, 3],
        [alice, 2, 1],
        [alice, 5, 2],
        [bob, 1, 0],
        [alice, 2, 4],
      ] as const;
      await storage.transact(async ({ shownEpochs }) => {
        for (const [owner, keyId, epoch] of shown)
          await shownEpochs.insert({ owner, keyId: id(keyId), epoch, name: id(epoch), sealed: sealed() });
      });
      const found: unknown[] = [];
      await storage.read(async ({ shownEpochs }) => {
        let row = await shownEpochs.ofNextKey(null);
        for (; row !== null; row = await shownEpochs.ofNextKey(row))
          found.push([row.owner, row.keyId[0], row.epoch]);
      });
      expect(found).toEqual([
        [alice, 2, 1],
        [alice, 5, 2],
        [bob, 1, 0],
      ]);
    });

    test('lists go on after the last row seen', async () => {
      await openWithPeople();
      await storage.transact(async ({ keys }) => {
        for (const number of [5, 3, 4, 1, 2]) await keys.insert(key({ keyId: id(number) }));
      });
      const page = (after: Uint8Array | null) =>
        storage.read(async ({ keys }) =>
          (await keys.list(alice, { after, limit: 2 })).map(({ keyId }) => keyId[0]),
        );
      expect([await page(null), await page(id(2)), await page(id(4))]).toEqual([[1, 2], [3, 4], [5]]);
      expect(await storage.read(({ keys }) => keys.count(alice))).toBe(5);
    });
  });
}
