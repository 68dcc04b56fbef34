import { StateError } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrno } from './atomic-write.js';

const RETRY_MS = 20;

/**
 * Runs `work` while no other process holds the same lock file. A lock left by a process that no longer runs is taken
 * over. Never held across a message to a server: only around reading and writing a few files.
 * @throws StateError `HOME_LOCKED` when another process keeps it longer than `patienceMs`.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, patienceMs = 10_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  while (!(await tryLock(path))) {
    await removeIfAbandoned(path);
    if (Date.now() > deadline) throw locked(path);
    await pause(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

/** The file appears with its content in one step, so nobody ever reads a lock without a holder in it. */
async function tryLock(path: string): Promise<boolean> {
  const mine = besides(path, 'mine');
  try {
    const start = await startOf(process.pid);
    await writeFile(mine, `${process.pid} ${start}\n`, { flag: 'wx', mode: 0o600 });
    await link(mine, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(mine).catch(() => undefined);
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  if (await isHeld(path)) return;
  // Moved aside first and looked at again: whoever took the lock in between gets it back.
  const aside = besides(path, 'old');
  try {
    await rename(path, aside);
    if (await isHeld(aside)) await link(aside, path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EEXIST')) throw error;
  } finally {
    await unlink(aside).catch(() => undefined);
  }
}

async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const [pid = 0, start = 0] = text.split(' ').map(Number);
  if (!Number.isInteger(pid) || pid <= 0 || !isRunning(pid)) return false;
  // Numbers of processes come round again: after a restart of the machine another one may have this.
  const now = await startOf(pid);
  return start === 0 || now === 0 || start === now;
}

/** When a process began, in ticks since the machine did; 0 where the system does not say. Source: proc_pid_stat(5) */
async function startOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const ticks = Number(text.slice(text.lastIndexOf(')')).split(' ')[20]);
  return Number.isInteger(ticks) ? ticks : 0;
}

function besides(path: string, what: string): string {
  return `${path}.${what}.${randomBytes(6).toString('hex')}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}

function locked(path: string): StateError {
  return new StateError('another process is writing to the same folder', {
    code: 'HOME_LOCKED',
    hint: `wait for it to end; if none runs, remove ${path}`,
  });
}

/** What processes leave beside a lock, or in the place of a record that they were writing, when they are killed. */
const LEFTOVER = /\.lock\.(?:mine|old)\.[0-9a-f]{12}$|^\..+\.[0-9a-f]{12}\.new$/;
const OLD_MS = 3_600_000;

/** Removes what killed processes left in a folder and its folders an hour ago or earlier. */
export async function removeLeftovers(folder: string, now = Date.now()): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !LEFTOVER.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs + OLD_MS < now) await unlink(path);
  }
}
