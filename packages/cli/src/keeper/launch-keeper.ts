import { reveal, type Secret, StorageError } from '@ckm/foundation';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { type Home, unusable } from '../home/home.js';

/**
 * Starts the process that keeps a seed open, and returns when it answers. The seed goes to it through a pipe: no flag, no
 * variable and no file ever holds it.
 * @throws StorageError `KEEPER_UNUSABLE`, `HOME_UNUSABLE`
 */
export async function launchKeeper(home: Home, seed: Secret<Uint8Array>, seconds: number): Promise<void> {
  await access(home.path, constants.W_OK).catch((cause: unknown) => {
    throw unusable(home, cause);
  });
  const { PATH = '' } = process.env;
  const words = [process.argv[1]!, 'unlock', '--keep', '--for', `${seconds}s`, '--home', home.path];
  const child = spawn(process.execPath, words, {
    // A session of its own: it outlives the terminal, and Ctrl-C there is not for it.
    detached: true,
    cwd: '/',
    env: { PATH },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  const copy = reveal(seed, 'handing the open seed to the process that keeps it').slice();
  child.stdin.end(copy, () => copy.fill(0));
  const isReady = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'close').then(() => false),
  ]);
  child.stdout.destroy();
  child.unref();
  if (isReady) return;
  throw new StorageError('the process that keeps the seed open does not start', {
    code: 'KEEPER_UNUSABLE',
    hint: 'use a folder whose path has at most 90 characters, with --home',
  });
}
