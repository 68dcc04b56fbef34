import { type Client, keptInTexts, type KeptKind, SEED_BYTES } from '@ckm/client';
import { reveal, type Secret, secret, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { openOwner } from './open-owner.js';
import { isOwnSeed } from './own-seed.js';
import { seedDiffers, unlockSeed } from './owner-seed.js';
import { readBackup, readSecretText } from './read-backup.js';
import { speaksAsDevice } from './unlock-owner.js';

/** A file with many envelopes. */
const MOST_BYTES = 65_536;

/** What is to be shared out, and who does it. */
export interface KeptAtHand {
  readonly client: Client;
  readonly kept: Secret<Uint8Array>;
  readonly kind: KeptKind;
}

/**
 * Opens what is to be shared out for as long as work goes on: the secret in these files, else the words that lie here, else those that a person types.
 * @throws StateError `SEED_DIFFERS`; as `keptInTexts`, `unlockSeed`, `readBackup`
 */
export async function withKept<T>(
  context: Context,
  paths: readonly string[],
  work: (at: KeptAtHand) => Promise<T>,
): Promise<T> {
  const at = paths.length > 0 ? await fromFiles(context, paths) : await fromOwner(context);
  try {
    return await work(at);
  } finally {
    wipe(at.kept);
  }
}

async function fromFiles(context: Context, paths: readonly string[]): Promise<KeptAtHand> {
  const texts: Secret<string>[] = [];
  for (const path of paths) texts.push(secret(await readSecretText(path, MOST_BYTES)));
  const kept = keptInTexts(texts);
  const isSeed = reveal(kept, 'measuring what is to be shared out').length === SEED_BYTES;
  const kind = isSeed && (await isOwnSeed(context, kept)) ? 'owner' : 'other';
  return { client: await openOwner(context), kept, kind };
}

async function fromOwner(context: Context): Promise<KeptAtHand> {
  if (await speaksAsDevice(context)) {
    const { seed } = await readBackup(context, []);
    if (!(await isOwnSeed(context, seed))) throw seedDiffers(context.home);
    return { client: await openOwner(context), kept: seed, kind: 'owner' };
  }
  const seed = await unlockSeed(context, { evenIfKept: true });
  const own = secret(reveal(seed, 'opening a client for the words').slice());
  return { client: await openOwner(context, own), kept: seed, kind: 'owner' };
}
