import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  asOwner,
  createPostmaster,
  makeFolder,
  POSTGRES_USER,
  postgresPrograms,
  type Postmaster,
} from './postgres.js';

const run = promisify(execFile);
const PATIENCE_MS = 20_000;

/** A copy of a PostgreSQL that follows it, entry by entry, without the other waiting for it. */
export interface PostgresStandby extends Postmaster {
  /** Resolves when it has everything that the one it follows has at this moment. */
  untilCaughtUp(): Promise<void>;
  /** Cuts it off: whatever is written from now on it misses, as one that is behind when the other one is lost. */
  holdBack(): Promise<void>;
  /** Makes it the one that is written to. */
  promote(): Promise<void>;
  /** Ends it and removes it. */
  stop(): Promise<void>;
}

/**
 * Copies a running PostgreSQL and lets the copy follow it (docs/operating.md, "A standby").
 * @param insteadOf a PostgreSQL that was ended: the copy takes the place of what is in its folder
 * @throws Error when there is no PostgreSQL, or it does not start
 */
export async function startStandby(
  primary: Postmaster,
  insteadOf: Postmaster | null = null,
): Promise<PostgresStandby> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('PostgreSQL is not installed');
  const folder = insteadOf?.folder ?? makeFolder();
  rmSync(join(folder, 'data'), { recursive: true, force: true });
  const [program, parameters] = asOwner(join(programs, 'pg_basebackup'), [
    '--host',
    primary.folder,
    '--username',
    POSTGRES_USER,
    '--pgdata',
    join(folder, 'data'),
    '--write-recovery-conf',
    '--checkpoint',
    'fast',
    '--no-sync',
  ]);
  await run(program, [...parameters], { cwd: folder });
  const postmaster = createPostmaster(programs, folder, {});
  await postmaster.resume();
  const until = (sql: string, wanted: string) => answers(postmaster, sql, wanted);
  return {
    ...postmaster,
    untilCaughtUp: async () => {
      const end = await primary.execute('select pg_current_wal_lsn()');
      await until(`select pg_last_wal_replay_lsn() >= '${end}'`, 't');
    },
    holdBack: async () => {
      await postmaster.execute("alter system set primary_conninfo = ''");
      await postmaster.execute('select pg_reload_conf()');
      await until('select count(*) from pg_stat_wal_receiver', '0');
    },
    promote: async () => {
      await postmaster.execute('select pg_promote()');
      await until('select pg_is_in_recovery()', 'f');
    },
    stop: async () => {
      await postmaster.halt('fast');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(postmaster: Postmaster, sql: string, wanted: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while ((await postmaster.execute(sql)) !== wanted) {
    if (performance.now() > end) throw new Error(`after ${PATIENCE_MS} ms: ${sql}`);
    await pause(20);
  }
}
