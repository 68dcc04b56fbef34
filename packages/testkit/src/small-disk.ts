import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { POSTGRES_USER } from './postgres.js';

/** Enough for one database that holds next to nothing. */
const SIZE = '16m';
const MOUNT = `mount -t tmpfs -o size=${SIZE},mode=0700,uid=$(id -u ${POSTGRES_USER}),gid=$(id -g ${POSTGRES_USER}) tmpfs "$1"`;
/** A mount namespace of its own, which ends with its last process. */
const NAMESPACE = ['unshare', '-m', 'sh', '-c'];

/** Whether a disk can be mounted for PostgreSQL here: by root alone, since it refuses to run as root of a namespace. */
export function canMountFor(folder: string): boolean {
  const mounts = () => spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), MOUNT, '-', folder]).status === 0;
  return process.getuid?.() === 0 && mounts();
}

/** A program and its arguments that mounts a small disk of PostgreSQL's user over a folder, for whatever it executes then, and nobody else. */
export function onSmallDisk(folder: string): readonly string[] {
  return [...NAMESPACE, `${MOUNT} && shift && exec "$@"`, '-', folder];
}

/** Pieces that end on pages, and one that takes the last of them. */
const PIECES = [262_144, 4_096];
const BALLAST = 'ballast';

/** Takes all that is left of a disk. @param folder as whoever is here sees it */
export function fill(folder: string): void {
  const file = openSync(join(folder, BALLAST), 'a', 0o600);
  try {
    for (const size of PIECES) writeUntilFull(file, new Uint8Array(size));
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, piece: Uint8Array): void {
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Gives it back. */
export function empty(folder: string): void {
  rmSync(join(folder, BALLAST), { force: true });
}
