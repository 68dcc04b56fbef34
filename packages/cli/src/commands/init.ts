import { reveal, wipe } from '@ckm/foundation';
import { seedToWords } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { checkWords } from '../guide/check-words.js';
import { launchKeeper } from '../keeper/launch-keeper.js';
import { OPEN_SEED_NOTE, parseUnlockTime } from '../keeper/unlock-time.js';
import { assertSocketsFit, isInitialised, ownerExists } from '../home/home.js';
import { noteBackup } from '../owner/note-backup.js';
import { freshSeed, storeSeed } from '../owner/owner-seed.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { toCkmError } from '../terminal/print-error.js';
import { showWords } from '../terminal/show-words.js';
import type { Terminal } from '../terminal/terminal.js';

/** `ckm init` */
export function initCommand(): Command {
  return leaf('init', 'make an owner seed: who you are to your servers')
    .option('--unlock <time>', 'keep it open at once, as ckm unlock --for does: 30m')
    .action(run(init));
}

async function init(context: Context, { unlock }: { readonly unlock?: string }): Promise<void> {
  const { home, terminal, flags, passphraseFile } = context;
  const seconds = unlock === undefined ? null : parseUnlockTime('--unlock', unlock);
  assertSocketsFit(home);
  if (await isInitialised(home)) throw await ownerExists(home);
  if (flags.preview === true) {
    terminal.result(`would make an owner seed in ${home.path}`, { preview: true, home: home.path });
    return;
  }
  terminal.talk(
    '  The passphrase opens the seed on this machine; the 24 words that follow bring it back anywhere.',
  );
  const seed = freshSeed();
  try {
    await storeSeed(context, seed, 'refuse');
    const words = seedToWords(seed);
    const text = reveal(words, 'showing the backup words to their owner');
    const shown = showWords(terminal, text);
    if (!shown) terminal.warn('no terminal to show the 24 words on: back them up with ckm seed backup');
    else if (flags.yes !== true && passphraseFile === undefined) await checkWords(terminal, text.split(' '));
    wipe(words);
    if (seconds !== null) await launchKeeper(home, seed, seconds);
    const until = seconds === null ? null : unixNow() + seconds;
    terminal.result(`owner seed made in ${home.path}`, { home: home.path, wordsShown: shown, until });
    if (until !== null) terminal.talk(`unlocked until ${formatInstant(until, unixNow())}: ${OPEN_SEED_NOTE}`);
    terminal.talk('next: ckm server add NAME URL');
    // The seed is made, whatever becomes of this.
    if (!shown) return;
    await noteBackup(context, seed, { form: 'words', isTyped: false }).catch((error: unknown) =>
      warnOf(terminal, error),
    );
  } finally {
    wipe(seed);
  }
}

function warnOf(terminal: Terminal, error: unknown): void {
  const { message, code } = toCkmError(error);
  terminal.warn(`ckm: warning: ${plainText(message)} (${code})`);
}
