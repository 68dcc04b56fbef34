import type { OwnerOrSeed } from '@ckm/client';
import type { Context } from '../command-line/context.js';
import { holdsWords, isInitialised } from '../home/home.js';
import { unlockDevice } from './owner-device.js';
import { unlockSeed } from './owner-seed.js';

/**
 * Whoever speaks in this folder, open: the owner seed where it lies there, else the device in its place. The caller wipes it.
 * @param options.evenIfKept asks for the passphrase in any case: for what lets it stay open
 */
export async function unlockOwner(
  context: Context,
  options: { readonly evenIfKept?: boolean } = {},
): Promise<OwnerOrSeed> {
  return (await speaksAsDevice(context))
    ? { device: await unlockDevice(context, options) }
    : unlockSeed(context, options);
}

/** Whether a device speaks here, and no owner seed. */
export async function speaksAsDevice({ home }: Pick<Context, 'home'>): Promise<boolean> {
  return (await isInitialised(home)) && !(await holdsWords(home));
}
