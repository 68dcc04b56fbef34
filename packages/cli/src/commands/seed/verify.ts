import { isAccountOf } from '@ckm/client';
import { equalBytes, reveal, type Secret, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import { compareSeed } from '../../home/seed-print.js';
import { noteBackupChecked } from '../../owner/note-backup.js';
import { unlockDevice } from '../../owner/owner-device.js';
import { seedDiffers, unlockSeed } from '../../owner/owner-seed.js';
import { placeText, type ReadBackup, readBackup } from '../../owner/read-backup.js';
import { speaksAsDevice } from '../../owner/unlock-owner.js';

/** `ckm seed verify [FILE…]` */
export function seedVerifyCommand(): Command {
  return leaf('verify', 'try a backup: whether these words or shares bring this owner seed back', {
    65: 'it cannot be read, or its shares do not go together',
    75: 'it is of another seed, or shares are missing',
  })
    .argument('[files...]', 'a file with the words or ur:seed, or one for each share; - is stdin')
    .action(run(verify));
}

async function verify(context: Context, files: readonly string[]): Promise<void> {
  const { home, terminal } = context;
  await requireInitialised(home);
  const read = await readBackup(context, files);
  const { seed, form, fitting, unchecked } = read;
  try {
    if (!(await isOurs(context, seed))) throw seedDiffers(home);
    terminal.result(verdict(read), { isGood: true, form, fitting, unchecked });
    if (context.flags.preview !== true) await noteBackupChecked(context, seed, form);
  } finally {
    wipe(seed);
  }
}

/** Without the passphrase, where the folder knows its seed by its print. */
async function isOurs(context: Context, seed: Secret<Uint8Array>): Promise<boolean> {
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

function verdict({ form, fitting, unchecked }: ReadBackup): string {
  if (form === 'words') return 'this backup brings the owner seed back';
  const good = `these shares bring the owner seed back: ${fitting.map(placeText).join(', ')}`;
  if (unchecked.length === 0) return good;
  return `${good}\nnot tried, too few of their group are here: ${unchecked.map(placeText).join(', ')}`;
}
