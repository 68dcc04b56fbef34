import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import { storeSeed, unlockSeed } from '../../owner/owner-seed.js';

/** `ckm seed passphrase` */
export function seedPassphraseCommand(): Command {
  return leaf('passphrase', 'keep the owner seed under another passphrase; the seed and its 24 words stay')
    .option('--new-passphrase-file <file>', 'its first line is the new one; - is stdin')
    .action(run(change));
}

async function change(
  context: Context,
  { newPassphraseFile }: { readonly newPassphraseFile?: string },
): Promise<void> {
  const { home, terminal, flags } = context;
  await requireInitialised(home);
  if (flags.preview === true) {
    terminal.result(`would change the passphrase of the owner seed in ${home.path}`, {
      preview: true,
      home: home.path,
    });
    return;
  }
  const seed = await unlockSeed(context, { evenIfKept: true });
  try {
    // The file that is named for every command is that of the present one.
    await storeSeed({ ...context, passphraseFile: newPassphraseFile }, seed, 'replace');
  } finally {
    wipe(seed);
  }
  terminal.result('the passphrase is changed; the old one opens this seed no more', { home: home.path });
  terminal.talk('copies of the seed file from before still open with the old one: destroy them');
}
