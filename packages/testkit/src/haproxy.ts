import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilListening } from './ports.js';

const PROGRAM = '/usr/sbin/haproxy';

/** Whether HAProxy is on this machine; if not, a test that needs it is to be skipped, by name. */
export function isHaproxyHere(): boolean {
  return existsSync(PROGRAM);
}

/** A HAProxy on loopback in front of replicas of one server. */
export interface Haproxy {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * @param backends `host:port` of each replica
 * @param balance how it chooses among them; as docs/operating.md has it: `hdr(CKM-Route)`
 */
export async function startHaproxy(backends: readonly string[], balance: string): Promise<Haproxy> {
  const { port, stop } = await launch((port) => [
    'defaults',
    '  mode http',
    '  timeout connect 2s',
    '  timeout client 30s',
    '  timeout server 30s',
    '  timeout check 10s',
    '  retries 3',
    '  option redispatch 1',
    '  option http-server-close',
    'frontend ckm',
    `  bind 127.0.0.1:${port}`,
    '  default_backend replicas',
    'backend replicas',
    `  balance ${balance}`,
    '  option httpchk GET /readyz',
    ...backends.map((address, i) => `  server replica${i + 1} ${address} check inter 1s fall 3 rise 1`),
  ]);
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** A HAProxy on loopback between servers and their database, of which there are several copies. */
export interface DatabaseProxy {
  /** The address of the database that is at `url` on the first of them, as servers are told it. */
  urlOf(url: string): string;
  /** Runs commands on its socket, as an operator does. */
  command(...lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * As docs/operating.md has it: leads to `first`, until it is told to lead to another one.
 * @param folders where the sockets of each PostgreSQL are; the servers are called `first`, `second`, `third`
 */
export async function startDatabaseProxy(folders: readonly string[]): Promise<DatabaseProxy> {
  const names = ['first', 'second', 'third'];
  const { port, folder, stop } = await launch((port, folder) => [
    'global',
    `  stats socket ${join(folder, SOCKET)} mode 600 level admin`,
    'defaults',
    '  mode tcp',
    '  timeout connect 2s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen ckm-database',
    `  bind 127.0.0.1:${port}`,
    '  default-server on-marked-down shutdown-sessions',
    ...folders.map(
      (database, i) =>
        `  server ${names[i]} unix@${join(database, '.s.PGSQL.5432')} check${i === 0 ? '' : ' disabled'}`,
    ),
  ]);
  return {
    urlOf: (url) => url.replace('@/', `@127.0.0.1:${port}/`).replace(/\?.*$/, ''),
    command: async (...lines) => {
      for (const line of lines) await tell(join(folder, SOCKET), line);
    },
    stop,
  };
}

const SOCKET = 'admin.sock';

/** @throws Error with what it answers, which is nothing when all is well */
function tell(path: string, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.end(`${line}\n`));
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.once('error', reject);
    socket.once('close', () => (answer.trim() === '' ? resolve() : reject(new Error(answer.trim()))));
  });
}

async function launch(linesOf: (port: number, folder: string) => readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-haproxy-'));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `${linesOf(port, folder).join('\n')}\n`);
  const child = spawn(PROGRAM, ['-db', '-f', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilListening(port);
  return {
    port,
    folder,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
