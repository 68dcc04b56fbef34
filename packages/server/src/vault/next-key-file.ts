import { existsSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { destroyFile, syncFolder } from './key-file.js';

/** Where the next storage key lies while it takes the place of the present one. */
export function nextTo(path: string): string {
  return `${path}.next`;
}

function formerOf(path: string): string {
  return `${path}.old`;
}

/**
 * Puts the next key file in the place of the present one, which is overwritten and removed. Whatever moment it is cut short
 * at, {@link finishSettling} finds what is left to do.
 */
export function settleKeyFiles(path: string): void {
  if (existsSync(nextTo(path))) renameSync(path, formerOf(path));
  syncFolder(dirname(path));
  finishSettling(path);
}

/** Goes on where {@link settleKeyFiles} was cut short; harmless otherwise. */
export function finishSettling(path: string): void {
  const former = formerOf(path);
  if (!existsSync(former)) return;
  if (!existsSync(path) && existsSync(nextTo(path))) {
    renameSync(nextTo(path), path);
    syncFolder(dirname(path));
  }
  destroyFile(former);
}
