import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { type CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import type { ClientConfig } from 'pg';
import { fromDriver } from '../codes.js';
import type { Database, Queries } from '../database.js';
import { migrate } from '../migrations/migrate.js';
import type { Storage } from '../storage.js';
import { assertOwnSessions } from './pooler.js';
import { readerOf, transactionOf } from '../tables/repositories.js';
import type { Reading } from '../tables/reading.js';
import { storeUsage } from '../tables/writing.js';

export interface PostgresOptions {
  /** `postgres://…`; may hold a password, so it is never logged. */
  readonly url: string;
  /** Whether one without tables is refused. */
  readonly mustExist?: boolean;
  readonly connections?: number;
  /** For tests: how long nothing may come of a question, instead of a little more than a statement may take. */
  readonly silenceMs?: number;
}

/** How connections are named: those of one process alike, those of different ones differently. */
const PROCESS_NAME = 'ckm ';
/** Any number nobody else uses: two replicas that start together migrate one after the other. */
const MIGRATION_LOCK = 7_165_091_442;
/** What an administrator set for other purposes must not weaken a commit, and nobody waits for ever. */
const SETTINGS = { synchronous_commit: 'on', statement_timeout: '15s', lock_timeout: '10s' } as const;
/**
 * A connection on which nothing moved for so long leads nowhere: what takes longer PostgreSQL itself ends before, and one that
 * nobody uses the pool closes before. A machine that went dark sends no reset, and TCP gives up after a quarter of an hour.
 */
const SILENCE_MS = 18_000;
/** PostgreSQL's name of its 64-bit integer; ours all fit a number. */
const INT8 = 20;

/**
 * Opens a PostgreSQL database, which several replicas of one server may share. The driver is loaded only here.
 * @throws StorageError `STORAGE_UNREACHABLE`, `STORAGE_MISSING`, `STORAGE_POOLED`, `STORAGE_SETTINGS_LOST`, `STORAGE_SCHEMA_…`.
 */
export async function openPostgres(options: PostgresOptions): Promise<Storage> {
  const { url, mustExist = false, connections = 8, silenceMs = SILENCE_MS } = options;
  const { default: pg } = await import('pg');
  const name = `${PROCESS_NAME}${randomBytes(8).toString('hex')}`;
  const config: ClientConfig = {
    connectionString: url,
    options: Object.entries(SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: 5_000,
    stream: () => createConnection(silenceMs),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: name,
    types: {
      getTypeParser: ((id: number, format?: 'text' | 'binary') =>
        id === INT8 ? Number : pg.types.getTypeParser(id, format)) as never,
    },
  };
  const pool = new pg.Pool({ ...config, max: connections });
  // What breaks is replaced: whoever uses it is told by his own statement. Without listeners it would end the process, idle
  // (the pool tells) or in use (the pool has taken its own listener off by then).
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.on('error', () => undefined));
  const queries = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    await assertOwnSessions(async () => {
      const client = new pg.Client(config);
      client.on('error', () => undefined);
      await client.connect();
      return client;
    }, SETTINGS);
    await prepareSchema(queries, mustExist);
    return storageOn(queries, name);
  } catch (error) {
    await queries.destroy();
    throw fromDriver(error);
  }
}

/** Ends itself when nothing moves: whoever waits for an answer on it is told, and the pool makes another one. */
function createConnection(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => socket.destroy());
  return socket;
}

async function prepareSchema(queries: Queries, mustExist: boolean): Promise<void> {
  await queries.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`.execute(transaction);
    await migrate(transaction, 'postgres', { mustExist });
  });
}

function readingOn(queries: Queries): Reading {
  return {
    kind: 'postgres',
    queries,
    execute: async <R>(statement: CompiledQuery, parameters: readonly unknown[]) => {
      const { rows, numAffectedRows } = await queries.executeQuery<R>({
        ...statement,
        parameters,
      });
      return { rows, changed: Number(numAffectedRows ?? 0) };
    },
  };
}

function storageOn(queries: Queries, name: string): Storage {
  const translated = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw fromDriver(error);
    }
  };
  let closing: Promise<void> | null = null;
  return {
    kind: 'postgres',
    sqlite: null,
    countOthers: () =>
      translated(
        sql<{ count: number }>`
          select count(distinct application_name) as count from pg_stat_activity
          where datname = current_database() and application_name like ${`${PROCESS_NAME}%`}
            and application_name <> ${name}`
          .execute(queries)
          .then(({ rows }) => rows[0]!.count),
      ),
    read: (work) =>
      translated(
        queries
          .transaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute((transaction) => work(readerOf(readingOn(transaction)))),
      ),
    transact: (work) =>
      translated(
        (async () => {
          const committed: (() => void)[] = [];
          const done = await queries.transaction().execute(async (transaction) => {
            const writing = { ...readingOn(transaction), usage: new Map(), committed };
            const result = await work(transactionOf(writing));
            await storeUsage(writing);
            return result;
          });
          for (const then of committed) then();
          return done;
        })(),
      ),
    close: () => (closing ??= queries.destroy()),
  };
}
