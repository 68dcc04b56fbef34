import { type Secret, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { unlockSeed } from './owner-seed.js';

/**
 * Opens the seed from now on where nobody has to type for it, else when it is first asked for. Given to a client, which
 * wipes what it was given; what nobody asked for is wiped when the command ends.
 */
export function unlockEarly(context: Context): () => Promise<Secret<Uint8Array>> {
  // A preview may fail before it needs the seed, and on stdin something else may be waiting in front of it.
  const { passphraseFile, flags } = context;
  if (passphraseFile === undefined || passphraseFile === '-' || flags.preview === true) {
    return () => unlockSeed(context);
  }
  const early = unlockSeed(context);
  let isTaken = false;
  // Whoever asks hears of a failure; where nobody does, another one came first.
  early.catch(() => undefined);
  // Not before the end: scrypt may be done long before a client is made that asks for the seed.
  context.onEnd(() => (isTaken ? undefined : early.then(wipe, () => undefined)));
  return () => {
    isTaken = true;
    return early;
  };
}
