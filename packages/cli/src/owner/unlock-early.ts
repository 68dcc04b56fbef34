import { type OwnerOrSeed, secretOf } from '@ckm/client';
import { wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { unlockOwner } from './unlock-owner.js';

/**
 * Opens the owner from now on where nobody has to type for it, else when it is first asked for. Given to a client, which
 * wipes what it was given; what nobody asked for is wiped when the command ends.
 */
export function unlockEarly(context: Context): () => Promise<OwnerOrSeed> {
  // A preview may fail before it needs it, and on stdin something else may be waiting in front of it.
  const { passphraseFile, flags } = context;
  if (passphraseFile === undefined || passphraseFile === '-' || flags.preview === true) {
    return () => unlockOwner(context);
  }
  const early = unlockOwner(context);
  let isTaken = false;
  // Whoever asks hears of a failure; where nobody does, another one came first.
  early.catch(() => undefined);
  // Not before the end: scrypt may be done long before a client is made that asks for the seed.
  context.onEnd(() =>
    isTaken
      ? undefined
      : early.then(
          (owner) => wipe(secretOf(owner)),
          () => undefined,
        ),
  );
  return () => {
    isTaken = true;
    return early;
  };
}
