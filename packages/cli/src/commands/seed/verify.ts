import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import { isOwnSeed } from '../../owner/own-seed.js';
import { noteBackupChecked } from '../../owner/note-backup.js';
import { seedDiffers } from '../../owner/owner-seed.js';
import { placeText, type ReadBackup, readBackup } from '../../owner/read-backup.js';

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
    if (!(await isOwnSeed(context, seed))) throw seedDiffers(home);
    terminal.result(verdict(read), { isGood: true, form, fitting, unchecked });
    if (context.flags.preview !== true) await noteBackupChecked(context, seed, form);
  } finally {
    wipe(seed);
  }
}

function verdict({ form, fitting, unchecked }: ReadBackup): string {
  if (form === 'words') return 'this backup brings the owner seed back';
  const good = `these shares bring the owner seed back: ${fitting.map(placeText).join(', ')}`;
  if (unchecked.length === 0) return good;
  return `${good}\nnot tried, too few of their group are here: ${unchecked.map(placeText).join(', ')}`;
}
