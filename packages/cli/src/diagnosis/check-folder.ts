import type { DoctorLine } from '@ckm/client';
import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import type { Home } from '../home/home.js';

/** Whether other people of this machine can look in. */
export async function checkFolder(home: Home): Promise<DoctorLine[]> {
  const secrets = (
    [
      ['seed file', home.seedFile],
      ['device file', home.deviceFile],
    ] as const
  ).filter(([, path]) => existsSync(path));
  return Promise.all(
    [['folder', home.path] as const, ...secrets].map(([subject, path]) => checkMode(subject, path)),
  );
}

async function checkMode(subject: string, path: string): Promise<DoctorLine> {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return { level: 'ok', subject, text: `readable by you alone: ${path}` };
  return {
    level: 'fail',
    subject,
    text: 'others on this machine can read it',
    fix: `chmod go-rwx ${path}`,
    isLocal: true,
  };
}

/** What is not on disk is not sent: without room nothing works any more. Bytes. */
const LEAST_FREE = 50 * 1024 * 1024;

/** Whether there is room for what has to be written. */
export async function checkDisk(home: Home): Promise<DoctorLine> {
  const { bavail, bsize } = await statfs(home.path);
  const free = bavail * bsize;
  const text = `${Math.floor(free / 1024 / 1024).toLocaleString('en')} MiB free`;
  const line = { subject: 'disk', text };
  return free < LEAST_FREE ? { ...line, level: 'warn', fix: 'free space on it' } : { ...line, level: 'ok' };
}
