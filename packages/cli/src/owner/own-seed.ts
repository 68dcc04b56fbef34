import { isAccountOf } from '@ckm/client';
import { equalBytes, reveal, type Secret, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { compareSeed } from '../home/seed-print.js';
import { unlockDevice } from './owner-device.js';
import { unlockSeed } from './owner-seed.js';
import { speaksAsDevice } from './unlock-owner.js';

/** Whether a seed is the one that this folder belongs to: without the passphrase, where the folder knows it by its print. */
export async function isOwnSeed(context: Context, seed: Secret<Uint8Array>): Promise<boolean> {
  const comparison = await compareSeed(context.home, seed);
  if (comparison !== 'unknown') return comparison === 'same';
  if (await speaksAsDevice(context)) return isOfDevice(context, seed);
  const own = await unlockSeed(context);
  try {
    return equalBytes(reveal(own, 'comparing it with a backup'), reveal(seed, 'comparing it with the seed'));
  } finally {
    wipe(own);
  }
}

/** By the accounts of a device that is in: they are named after keys of the words. */
async function isOfDevice(context: Context, seed: Secret<Uint8Array>): Promise<boolean> {
  const device = await unlockDevice(context);
  try {
    return isAccountOf(device, seed) === true;
  } finally {
    wipe(device);
  }
}
