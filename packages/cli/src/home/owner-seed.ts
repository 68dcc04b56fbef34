import { reveal, type Secret, secret, StateError, wipe } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Context } from '../command-line/context.js';
import { askNewPassphrase, askPassphrase } from '../terminal/passphrase.js';
import { isErrno, writeAtomically, writeNew } from './atomic-write.js';
import { createHome, type Home, isInitialised, requireInitialised, unusable } from './home.js';
import { openSeed, parseSeedFile, sealSeed } from './seed-file.js';

/** 32 fresh bytes: everything an owner is, to every server. */
export function freshSeed(): Secret<Uint8Array> {
  return secret(new Uint8Array(randomBytes(32)));
}

/**
 * Asks for a new passphrase and writes the sealed seed.
 * `replace`: over one that is there, in one step.
 * @throws StateError `SEED_EXISTS` when one is there and may not be replaced.
 */
export async function storeSeed(context: Context, seed: Secret<Uint8Array>, replace: boolean): Promise<void> {
  const source = { terminal: context.terminal, file: context.passphraseFile };
  const passphrase = await askNewPassphrase(source, 'the owner seed');
  const sealed = await sealSeed(seed, passphrase);
  wipe(passphrase);
  await createHome(context.home);
  try {
    if (replace) await setAside(context.home);
    await (replace ? writeAtomically : writeNew)(context.home.seedFile, sealed);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw seedExists(context.home);
    throw unusable(context.home, error);
  }
}

/** A seed that is replaced stays beside the new one: it may be another one than its owner believes. */
async function setAside(home: Home): Promise<void> {
  if (!(await isInitialised(home))) return;
  await writeNew(`${home.seedFile}.before-${Date.now()}`, await readSeedFile(home));
}

/** Asks for the passphrase and opens the seed. The caller wipes it. */
export async function unlockSeed(context: Context): Promise<Secret<Uint8Array>> {
  await requireInitialised(context.home);
  const file = await readSeedFile(context.home);
  // A damaged file is found before anybody is asked to type.
  parseSeedFile(file);
  const source = { terminal: context.terminal, file: context.passphraseFile };
  const passphrase = await askPassphrase(source, 'Passphrase of the owner seed');
  try {
    return await openSeed(file, passphrase);
  } finally {
    wipe(passphrase);
  }
}

async function readSeedFile(home: Home): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(home.seedFile));
  } catch (cause) {
    throw unusable(home, cause);
  }
}

/** Whether two seeds are the same one. */
export function sameSeed(a: Secret<Uint8Array>, b: Secret<Uint8Array>): boolean {
  return Buffer.from(reveal(a, 'comparing seeds')).equals(reveal(b, 'comparing seeds'));
}

export function seedExists(home: Home): StateError {
  return new StateError(`there is already an owner seed in ${home.path}`, {
    code: 'SEED_EXISTS',
    hint: 'keep using it, or name another folder with --home',
  });
}
