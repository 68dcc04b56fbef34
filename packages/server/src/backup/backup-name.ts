import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Nobody goes on with a file that was not written to for so long. */
const LEFT_OVER_AFTER_MS = 3_600_000;

/** What the name of every backup of one server begins with, in a folder of backups: `alpha-`. */
function beginningOf(server: string): string {
  return `${server.replaceAll(/[^\w.-]/g, '-')}-`;
}

/** A backup in a folder of backups: the server and the moment, `alpha-2026-11-29T02-30-00Z.backup`. */
export function backupName(server: string, nowMs: number): string {
  const moment = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${beginningOf(server)}${moment.replaceAll(':', '-')}.backup`;
}

/** What such a backup is called when it is not a good one: `….faulty.backup`, so that nobody counts it among those that are. */
export function faultyName(path: string): string {
  return path.replace(/\.backup$/, '.faulty.backup');
}

/**
 * Removes from a folder of backups what backups of this server left there that were cut short: nothing that has another name,
 * and nothing that somebody may still be writing to.
 * @returns their names
 */
export function removeLeftOvers(folder: string, server: string, nowMs: number): readonly string[] {
  const beginning = beginningOf(server);
  const found = readdirSync(folder).filter((name) => {
    const isLeft = name.startsWith(beginning) && LEFT_OVER.test(name.slice(beginning.length));
    return isLeft && nowMs - statSync(join(folder, name)).mtimeMs > LEFT_OVER_AFTER_MS;
  });
  for (const name of found) rmSync(join(folder, name), { force: true });
  return found;
}

const LEFT_OVER = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.backup\.new$/;
