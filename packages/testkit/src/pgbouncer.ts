import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilListening } from './ports.js';

const PROGRAM = '/usr/sbin/pgbouncer';

/** Whether PgBouncer is on this machine; if not, a test that needs it is to be skipped, by name. */
export function isPgBouncerHere(): boolean {
  return existsSync(PROGRAM);
}

/** A PgBouncer on loopback in front of one database. */
export interface PgBouncer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * @param database of `PostgresCluster.createDatabase`
 * @param mode when a session is handed on: after each transaction, or when the client has gone
 */
export async function startPgBouncer(
  database: string,
  mode: 'transaction' | 'session',
  { poolSize = 4, ignored = 'options' } = {},
): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const name = database.slice(database.indexOf('@/') + 2, database.indexOf('?'));
  const host = decodeURIComponent(database.slice(database.indexOf('host=') + 5));
  const file = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `${name} = host=${host} user=postgres dbname=${name}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    `ignore_startup_parameters = extra_float_digits${ignored === '' ? '' : `, ${ignored}`}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  // Whatever the umask of this process is: servers that ran in it may have narrowed it.
  chmodSync(file, 0o644);
  // It refuses to run as root.
  const [command, parameters] =
    process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', PROGRAM, file]] : [PROGRAM, [file]];
  const child = spawn(command, [...parameters], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `postgres://postgres@127.0.0.1:${port}/${name}`;
  await untilListening(port);
  return {
    url,
    stop: async () => {
      // runuser does not hand signals on to what it started.
      spawnSync('pkill', ['-TERM', '-f', file]);
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
