import { reveal, type Secret, secret } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { openOwner } from './open-owner.js';

/** Puts on record that the owner has just seen, or typed, the words of the seed. The caller keeps the seed. */
export async function noteBackup(context: Context, seed: Secret<Uint8Array>): Promise<void> {
  const copy = secret(reveal(seed, 'sealing the note that its words were shown').slice());
  await (await openOwner(context, copy)).noteSeedBackup();
}
