import {
  isErrno,
  openSeed,
  parseSeedFile,
  sealSeed,
  writeAtomically,
  writeNew,
  writeNewAtomically,
} from '@ckm/client/node';
import { type Secret, secret, StateError, wipe } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { readFile, rmdir, unlink } from 'node:fs/promises';
import type { Context } from '../command-line/context.js';
import { keptSeed } from '../keeper/kept-seed.js';
import { askNewPassphrase, openWithPassphrase } from '../terminal/passphrase.js';
import {
  createHome,
  holdsWords,
  type Home,
  isInitialised,
  ownerExists,
  removeEmptySeed,
  requireInitialised,
  unusable,
} from '../home/home.js';
import { writeSeedPrint } from '../home/seed-print.js';

/** 32 fresh bytes: everything an owner is, to every server. */
export function freshSeed(): Secret<Uint8Array> {
  return secret(new Uint8Array(randomBytes(32)));
}

/** What happens to a seed file that is there: `refuse`; `replace` it; or `keep` it under another name. */
export type WhatIsThere = 'refuse' | 'replace' | 'keep';

/**
 * Asks for a new passphrase and writes the sealed seed, in one step.
 * @returns where the file that was there before is kept, with `keep`
 * @throws StateError `SEED_EXISTS`, with `refuse`
 */
export async function storeSeed(
  context: Context,
  seed: Secret<Uint8Array>,
  before: WhatIsThere,
): Promise<string | undefined> {
  const { home } = context;
  if (before === 'refuse' && (await isInitialised(home))) throw await ownerExists(home);
  // Before anybody types: a folder that cannot be made is known by then.
  const isNew = await createHome(home);
  try {
    const sealed = await sealUnderNew(context, seed);
    const kept = before === 'keep' ? await setAside(home) : undefined;
    await writeSeed(home, sealed, before);
    await writeSeedPrint(home, seed).catch(async (error: unknown) => {
      if (before === 'refuse') await unlink(home.seedFile).catch(() => undefined);
      throw unusable(home, error);
    });
    return kept;
  } catch (error) {
    // Only when there is nothing in it.
    if (isNew) await rmdir(home.path).catch(() => undefined);
    throw error;
  }
}

async function sealUnderNew(
  { terminal, passphraseFile }: Context,
  seed: Secret<Uint8Array>,
): Promise<Uint8Array> {
  const passphrase = await askNewPassphrase({ terminal, file: passphraseFile }, 'the owner seed');
  try {
    return await sealSeed(seed, passphrase);
  } finally {
    wipe(passphrase);
  }
}

async function writeSeed(home: Home, sealed: Uint8Array, before: WhatIsThere): Promise<void> {
  try {
    if (before === 'refuse') await removeEmptySeed(home);
    await (before === 'refuse' ? writeNewAtomically : writeAtomically)(home.seedFile, sealed);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw await ownerExists(home);
    throw unusable(home, error);
  }
}

/** It may be another seed than its owner believes: nothing of it is lost. */
async function setAside(home: Home): Promise<string | undefined> {
  if (!(await holdsWords(home))) return undefined;
  const path = `${home.seedFile}.before-${Date.now()}`;
  await writeNew(path, await readSeedFile(home));
  return path;
}

/**
 * The open seed: from `ckm unlock` where that keeps it, else by asking for the passphrase. The caller wipes it.
 * @param options.evenIfKept asks for the passphrase in any case: for what shows the seed itself, or lets it stay open
 * @throws StateError `WORDS_NEEDED` where a device is in its place
 */
export async function unlockSeed(
  context: Context,
  { evenIfKept = false }: { readonly evenIfKept?: boolean } = {},
): Promise<Secret<Uint8Array>> {
  const isAsked = evenIfKept || context.flags.passphraseFile !== undefined;
  await requireInitialised(context.home);
  const kept = isAsked ? null : await keptSeed(context.home);
  if (kept !== null) return kept;
  return openSeedFileWith(context, (seed) => seed);
}

/**
 * Asks for the passphrase of the seed.
 * @param take what is done with both; the passphrase is wiped behind it
 * @throws StateError `WORDS_NEEDED` where a device is in its place
 */
export async function openSeedFileWith<T>(
  { home, terminal, passphraseFile }: Context,
  take: (seed: Secret<Uint8Array>, passphrase: Secret<Uint8Array>) => T | Promise<T>,
): Promise<T> {
  if (!(await holdsWords(home))) throw wordsForgotten(home);
  const file = await readSeedFile(home);
  // A damaged file is found before anybody is asked to type.
  parseSeedFile(file);
  const source = { terminal, file: passphraseFile };
  return openWithPassphrase(source, 'Passphrase of the owner seed', async (passphrase) =>
    take(await openSeed(file, passphrase), passphrase),
  );
}

async function readSeedFile(home: Home): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(home.seedFile));
  } catch (cause) {
    throw unusable(home, cause);
  }
}

export function seedDiffers(home: Home): StateError {
  return new StateError(`this backup is of another owner seed than the one in ${home.path}`, {
    code: 'SEED_DIFFERS',
    hint: 'use the backup of this seed; to be another owner too, name another folder with --home',
  });
}

/** The folder is a device: the words are where its owner wrote them down. */
function wordsForgotten(home: Home): StateError {
  return new StateError(`the words are needed for this, and they do not lie in ${home.path}`, {
    code: 'WORDS_NEEDED',
    hint: 'this folder is a device of yours: the words are in the backup that you made; ckm seed verify tries it',
    retryable: false,
  });
}
