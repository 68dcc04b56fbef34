import { execFile, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Whose everything is on it. */
export const POSTGRES_USER = 'postgres';
const FOLDERS = ['/usr/lib/postgresql/17/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/15/bin'];

/** Where PostgreSQL's programs are on this machine; null: a test that needs them is to be skipped, by name. */
export function postgresPrograms(): string | null {
  const folders = [process.env['CKM_POSTGRES_BIN'] ?? '', ...FOLDERS].filter((folder) => folder !== '');
  const folder = folders.find((candidate) => existsSync(join(candidate, 'initdb')));
  if (folder === undefined) return null;
  return !isRoot() || postgresUser() !== null ? folder : null;
}

/** A private PostgreSQL in a temporary folder, reachable by its socket only. */
export interface PostgresCluster extends Postmaster {
  /** A new, empty database on it. */
  createDatabase(): Promise<string>;
  /** Ends every session of a database from outside, as a restart would. */
  disconnectAll(url: string): Promise<void>;
  /** Makes `url` a copy of the database at `from`, as restoring a dump does. */
  copyDatabase(from: string): Promise<string>;
  /** Settings with which sessions of a database start. */
  configure(url: string, settings: Readonly<Record<string, string>>): Promise<void>;
  /** Removes a database, whoever uses it. */
  dropDatabase(url: string): Promise<void>;
  /** Ends it and removes it. */
  stop(): Promise<void>;
}

/** One PostgreSQL, started and ended any number of times. */
export interface Postmaster {
  /** Where its socket is. */
  readonly folder: string;
  /** Of the process that all others of it come from; null: it does not run. */
  pid(): number | null;
  /** Runs SQL as its administrator, and returns what is printed: rows a line, columns apart by `|`. */
  execute(sql: string): Promise<string>;
  /** Ends it as an administrator would (`fast`), as a crash of a backend does (`immediate`), or with kill -9. */
  halt(how: HaltMode): Promise<void>;
  /** Starts it again after {@link halt}; resolves when it answers. */
  resume(): Promise<void>;
}

export interface PostgresOptions {
  readonly connections?: number;
  /** Whether a commit waits for the disk, as outside of tests; default: no. */
  readonly durable?: boolean;
  /** A program and its arguments, which ends by executing what follows. */
  readonly under?: readonly string[];
}

/** How PostgreSQL is ended; its own names. Source: PostgreSQL, "Shutting Down the Server". */
export type HaltMode = 'fast' | 'immediate' | 'killed';
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', killed: 'SIGKILL' } as const;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function postgresUser(): { readonly uid: number; readonly gid: number } | null {
  const ids = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, POSTGRES_USER], { encoding: 'utf8' }).stdout.trim()),
  );
  const [uid, gid] = ids as [number, number];
  return uid > 0 && gid > 0 ? { uid, gid } : null;
}

/** PostgreSQL refuses to run as root: there it runs as its own user. */
export function asOwner(
  program: string,
  parameters: readonly string[],
): readonly [string, readonly string[]] {
  return isRoot() ? ['runuser', ['-u', POSTGRES_USER, '--', program, ...parameters]] : [program, parameters];
}

/** @throws Error when there is no PostgreSQL (ask {@link postgresPrograms} first) or it does not start. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresCluster> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('PostgreSQL is not installed');
  const folder = makeFolder();
  await fillData(programs, join(folder, 'data'));
  const postmaster = createPostmaster(programs, folder, options);
  await postmaster.resume();
  const command = postmaster.execute;
  let databases = 0;
  const urlOf = (name: string) => `postgres://${POSTGRES_USER}@/${name}?host=${encodeURIComponent(folder)}`;
  const nameOf = (url: string) => url.slice(url.indexOf('@/') + 2, url.indexOf('?'));
  const disconnectAll = async (url: string) => {
    await command(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${nameOf(url)}'`);
  };
  return {
    createDatabase: async () => {
      const name = `ckm_${++databases}`;
      await command(`create database ${name}`);
      return urlOf(name);
    },
    ...postmaster,
    disconnectAll,
    copyDatabase: async (from) => {
      const name = `ckm_${++databases}`;
      await disconnectAll(from);
      await command(`create database ${name} template ${nameOf(from)}`);
      return urlOf(name);
    },
    configure: async (url, settings) => {
      for (const [name, value] of Object.entries(settings))
        await command(`alter database ${nameOf(url)} set ${name} = '${value}'`);
    },
    dropDatabase: async (url) => {
      await command(`drop database if exists ${nameOf(url)} with (force)`);
    },
    stop: async () => {
      await postmaster.halt('fast');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Makes an empty cluster: where the tests of a run share a folder a copy of the first one, in a tenth of the time. All of them have
 * one system identifier then, which nothing here asks for.
 */
async function fillData(programs: string, data: string): Promise<void> {
  const shared = process.env['CKM_TESTS_SHARED'];
  if (shared === undefined) return initialise(programs, data);
  const pattern = join(shared, 'postgres');
  if (!existsSync(pattern)) await makePattern(programs, pattern);
  await run('cp', ['-a', pattern, data]);
}

async function makePattern(programs: string, pattern: string): Promise<void> {
  const folder = makeFolder();
  const data = join(folder, 'data');
  await initialise(programs, data);
  try {
    renameSync(data, pattern);
  } catch (error) {
    // Another worker was first.
    if (!existsSync(pattern)) throw error;
  }
  rmSync(folder, { recursive: true, force: true });
}

/** @param data in a folder of {@link makeFolder} */
async function initialise(programs: string, data: string): Promise<void> {
  const [initdb, parameters] = asOwner(join(programs, 'initdb'), [
    '--pgdata',
    data,
    '--auth',
    'trust',
    '--username',
    POSTGRES_USER,
    '--encoding',
    'UTF8',
    '--no-sync',
    '--locale',
    'C',
  ]);
  await run(initdb, [...parameters], { cwd: dirname(data) });
}

/** A temporary folder that PostgreSQL's user may write to. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-pg-'));
  const owner = isRoot() ? postgresUser() : null;
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/** @param folder of {@link makeFolder}, with the data in `data` */
export function createPostmaster(
  programs: string,
  folder: string,
  { connections = 60, durable = false, under = [] }: PostgresOptions,
): Postmaster {
  const data = join(folder, 'data');
  const settings = [`fsync=${durable ? 'on' : 'off'}`, `max_connections=${connections}`].flatMap(
    (setting) => ['-c', setting],
  );
  const [program, parameters] = asOwner(join(programs, 'postgres'), [
    '-D',
    data,
    '-k',
    folder,
    '-h',
    '',
    ...settings,
  ]);
  let ended: Promise<void> | null = null;
  const start = () => {
    if (ended !== null) return;
    const words = [...under, program, ...parameters];
    const child = spawn(words[0]!, words.slice(1), { cwd: folder, stdio: 'ignore' });
    ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        ended = null;
        resolve();
      });
    });
  };
  const pid = () =>
    ended === null ? null : Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const session = ['-h', folder, '-U', POSTGRES_USER, '-d', 'postgres'];
  return {
    folder,
    pid,
    execute: async (sql) => {
      const printed = [...session, '-v', 'ON_ERROR_STOP=1', '-A', '-t', '-q', '-c', sql];
      return (await run(join(programs, 'psql'), printed)).stdout.trim();
    },
    halt: async (how) => {
      if (ended === null) return;
      process.kill(pid()!, SIGNALS[how]);
      await ended;
    },
    resume: () =>
      untilReady(async () => {
        // After kill -9 it refuses to start until the last of its children is gone.
        start();
        await run(join(programs, 'pg_isready'), ['-h', folder, '-U', POSTGRES_USER]);
      }),
  };
}

async function untilReady(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
