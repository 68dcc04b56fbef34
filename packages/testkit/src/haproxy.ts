import { spawn } from 'node:child_process';
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
  const folder = mkdtempSync(join(tmpdir(), 'ckm-haproxy-'));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  const lines = [
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
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = spawn(PROGRAM, ['-db', '-f', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilListening(port);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
