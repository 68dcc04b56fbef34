import { reveal, wipe } from '@ckm/foundation';
import { seedToWords } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { isInitialised } from '../home/home.js';
import { freshSeed, seedExists, storeSeed } from '../owner/owner-seed.js';
import { showWords } from '../terminal/show-words.js';

/** `ckm init` */
export function initCommand(): Command {
  return leaf('init', 'make an owner seed: who you are to your servers').action(run(init));
}

async function init(context: Context): Promise<void> {
  const { home, terminal } = context;
  if (await isInitialised(home)) throw seedExists(home);
  if (context.flags.preview === true) {
    terminal.result(`would make an owner seed in ${home.path}`, { preview: true, home: home.path });
    return;
  }
  const seed = freshSeed();
  try {
    await storeSeed(context, seed, 'refuse');
    const words = seedToWords(seed);
    const shown = showWords(terminal, reveal(words, 'showing the backup words to their owner'));
    wipe(words);
    if (!shown) terminal.warn('no terminal to show the 24 words on: back them up with ckm seed backup');
    terminal.talk('next: ckm server add NAME URL');
    terminal.result(`owner seed made in ${home.path}`, { home: home.path, wordsShown: shown });
  } finally {
    wipe(seed);
  }
}
