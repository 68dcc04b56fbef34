import type { Client, SeedBackupForm } from '@ckm/client';
import { reveal, type Secret, secret } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { openOwner } from './open-owner.js';
import { speaksAsDevice } from './unlock-owner.js';

/** Puts on record that the owner has just seen, or typed, a backup of the seed. The caller keeps the seed. */
export async function noteBackup(
  context: Context,
  seed: Secret<Uint8Array>,
  shown: { readonly form: SeedBackupForm; readonly isTyped: boolean },
): Promise<void> {
  await (await clientOf(context, seed)).noteSeedBackup(shown);
}

/** Puts on record that a backup was tried, and brings this seed back. The caller keeps the seed. */
export async function noteBackupChecked(
  context: Context,
  seed: Secret<Uint8Array>,
  form: SeedBackupForm,
): Promise<void> {
  await (await clientOf(context, seed)).noteSeedBackupChecked(form);
}

/** Where a device speaks, what it puts on record is its own: the seed alone would not open its records. */
async function clientOf(context: Context, seed: Secret<Uint8Array>): Promise<Client> {
  if (await speaksAsDevice(context)) return openOwner(context);
  return openOwner(context, secret(reveal(seed, 'sealing the note about its backup').slice()));
}
