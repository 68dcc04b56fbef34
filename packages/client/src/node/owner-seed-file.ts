import { type Secret, secret, StateError } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno, makePrivateFolder, writeNewAtomically } from './atomic-write.js';
import { storageErrorOf } from './storage-error.js';
import { openSeed, sealSeed, SEED_FILE_MAX_BYTES } from './seed-file.js';

/**
 * Makes an owner seed of 32 random bytes and keeps it sealed in a new file, mode 0600. Whoever has the seed is the owner:
 * `seedToWords` gives the 24 words to write down. The caller wipes it, or gives it to a client, which does.
 * @throws StateError `SEED_EXISTS`; StorageError `STORE_UNAVAILABLE`
 */
export async function createSeedFile(path: string, passphrase: Secret<string>): Promise<Secret<Uint8Array>> {
  const seed = secret(new Uint8Array(randomBytes(32)));
  const sealed = await sealSeed(seed, passphrase);
  try {
    await makePrivateFolder(dirname(path));
    await writeNewAtomically(path, sealed);
    return seed;
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) {
      throw new StateError(`there is already an owner seed in ${path}`, {
        code: 'SEED_EXISTS',
        hint: 'open the one that is there, or name another file',
      });
    }
    throw storageErrorOf('STORE_UNAVAILABLE', path, cause);
  }
}

/**
 * Opens the owner seed that {@link createSeedFile}, or the command `ckm init`, keeps in a file. The caller wipes it, or
 * gives it to a client, which does.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `SEED_FILE_CORRUPT`, `STORE_UNAVAILABLE`
 */
export async function openSeedFile(path: string, passphrase: Secret<string>): Promise<Secret<Uint8Array>> {
  return openSeed(await readAtMost(path, SEED_FILE_MAX_BYTES + 1), passphrase);
}

async function readAtMost(path: string, most: number): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(most), 0, most, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw storageErrorOf('STORE_UNAVAILABLE', path, cause);
  }
}
