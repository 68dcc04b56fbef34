import { type FileHandle, open } from 'node:fs/promises';
import { type CompiledQuery, Kysely, SqliteDialect } from 'kysely';
import { cutShort, fromDriver, storageError } from '../codes.js';
import type { Database } from '../database.js';
import { migrate } from '../migrations/migrate.js';
import type { Storage } from '../storage.js';
import { readerOf, transactionOf } from '../tables/repositories.js';
import type { Reading } from '../tables/reading.js';
import { storeUsage } from '../tables/writing.js';
import { isCutShort } from './cut-short.js';
import { openFile } from './driver.js';
import type { Handle, OpenFile, Statement } from './handle.js';
import { createWriteQueue, type WriteQueueCommands } from './write-queue.js';

export interface SqliteOptions {
  readonly file: string;
  /** Whether one without tables is refused. */
  readonly mustExist?: boolean;
  /** How long to wait for another process that holds the file, and for the queue. */
  readonly waitMs?: number;
  /** With which SQLite; otherwise the one that runs here. */
  readonly openWith?: OpenFile;
}

/**
 * Opens the embedded database: write-ahead log, a commit on the disk before anybody hears of it, deleted content
 * overwritten, and the file held exclusively: a second process is refused.
 * @throws StorageError `STORAGE_IN_USE`, `STORAGE_CORRUPT`, `STORAGE_MISSING`, `STORAGE_SCHEMA_…`.
 */
export async function openSqlite(options: SqliteOptions): Promise<Storage> {
  const { file, mustExist = false, waitMs = 10_000, openWith = openFile } = options;
  const handle = openHandle(file, openWith);
  const log = createLogSync(handle, `${file}-wal`);
  const queue = createWriteQueue(commandsOf(handle, log), waitMs);
  const statements = cachedStatements(handle);
  const queries = new Kysely<Database>({ dialect: new SqliteDialect({ database: statements }) });
  const reading: Reading = {
    kind: 'sqlite',
    queries,
    // Straight to the statement: the queue already sees to it that nobody else is on the connection.
    execute: async <R>({ sql }: CompiledQuery, parameters: readonly unknown[]) => {
      const statement = statements.prepare(sql);
      if (statement.reader) return { rows: statement.all(parameters) as R[], changed: 0 };
      return { rows: [], changed: statement.run(parameters).changes };
    },
  };
  const reader = readerOf(reading);
  const writing = { ...reading, usage: new Map(), committed: [] as (() => void)[] };
  const transaction = transactionOf(writing);
  const translated = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw fromDriver(error);
    }
  };
  const storage: Storage = {
    kind: 'sqlite',
    sqlite: { library: handle.library, version: versionOf(handle) },
    countOthers: async () => 0,
    read: (work) => translated(queue.read(() => work(reader))),
    transact: (work) =>
      translated(
        (async () => {
          let committed: readonly (() => void)[] = [];
          const done = await queue.write(async () => {
            // One after the other: the same object serves them all.
            writing.usage.clear();
            writing.committed.length = 0;
            const result = await work(transaction);
            await storeUsage(writing);
            committed = [...writing.committed];
            return result;
          });
          for (const then of committed) then();
          return done;
        })(),
      ),
    close: async () => {
      await queue.close();
      await log.close();
      if (handle.open) handle.close();
    },
  };
  try {
    await translated(queue.write(() => migrate(queries, 'sqlite', { mustExist })));
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function openHandle(file: string, openWith: OpenFile): Handle {
  if (isCutShort(file)) throw cutShort();
  let handle: Handle | undefined;
  try {
    handle = openWith(file, { timeout: 500 });
    handle.exec('pragma locking_mode = EXCLUSIVE');
    handle.exec('pragma journal_mode = WAL');
    // The log is synced after each commit all the same, aside: see `createLogSync`. SQLite itself syncs at checkpoints.
    handle.exec('pragma synchronous = NORMAL');
    handle.exec('pragma secure_delete = ON');
    handle.exec('pragma foreign_keys = ON');
    handle.exec('pragma trusted_schema = OFF');
    handle.exec('pragma cell_size_check = ON');
    handle.exec('pragma temp_store = MEMORY');
    handle.exec('pragma journal_size_limit = 8388608');
    // Takes the lock now rather than at the first write.
    handle.exec('begin exclusive; commit');
    return handle;
  } catch (cause) {
    handle?.close();
    if ((cause as { code?: unknown }).code === 'SQLITE_BUSY') throw inUse(cause);
    throw fromDriver(cause);
  }
}

function inUse(cause: unknown) {
  return storageError(
    'STORAGE_IN_USE',
    'another process has this database open',
    'stop the other server, or give this one a data directory of its own',
    { cause },
  );
}

function versionOf(handle: Handle): string {
  const [{ version }] = handle.prepare('select sqlite_version() as version').all([]) as [{ version: string }];
  return version;
}

interface LogSync {
  /** Puts all that was written to the log on the disk, without holding up the process. @throws StorageError */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What SQLite does with `synchronous=FULL` after each commit, on a thread beside the event loop: `fdatasync` of the
 * write-ahead log. SQLite never locks that file, so that closing ours releases no lock of its own.
 */
function createLogSync(handle: Handle, file: string): LogSync {
  const totalChanges = handle.prepare('select total_changes() as changes');
  let synced = 0;
  let log: Promise<FileHandle> | null = null;
  return {
    sync: async () => {
      const [{ changes }] = totalChanges.all([]) as [{ changes: number }];
      if (changes === synced) return;
      synced = changes;
      // For writing, without which Windows syncs nothing.
      log ??= open(file, 'r+');
      try {
        await (await log).datasync();
      } catch (cause) {
        throw storageError(
          'STORAGE_FAILED',
          'the database could not put what it wrote on the disk',
          'look at the disk, then start the server again',
          { cause },
        );
      }
    },
    close: async () => {
      const opened = await log?.catch(() => null);
      await opened?.close();
    },
  };
}

function commandsOf(handle: Handle, log: LogSync): WriteQueueCommands {
  const command = (sql: string) => {
    const statement = handle.prepare(sql);
    return () => void statement.run([]);
  };
  return {
    begin: command('begin immediate'),
    commit: command('commit'),
    sync: log.sync,
    rollback: () => handle.rollback(),
    savepoint: command('savepoint one'),
    release: command('release one'),
    rollbackToSavepoint: () => handle.exec('rollback to one; release one'),
  };
}

/** Kysely prepares each statement anew; the same few texts come again and again, so they are kept. */
function cachedStatements(handle: Handle) {
  const statements = new Map<string, Statement>();
  return {
    close: () => undefined,
    prepare: (sql: string) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = handle.prepare(sql);
      if (statements.size >= MAX_STATEMENTS) statements.clear();
      statements.set(sql, statement);
      return statement;
    },
  };
}

const MAX_STATEMENTS = 256;
