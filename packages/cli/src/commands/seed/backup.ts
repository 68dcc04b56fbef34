import { encodeUtf8, reveal, UsageError, wipe } from '@ckm/foundation';
import { seedToUr, seedToWords } from '@ckm/client';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { noteBackup } from '../../owner/note-backup.js';
import { unlockSeed } from '../../owner/owner-seed.js';
import { showWords } from '../../terminal/show-words.js';
import { assertFree, writeOut } from '../../terminal/write-out.js';

/** `ckm seed backup` */
export function seedBackupCommand(): Command {
  return leaf('backup', 'show the 24 words, or write them (or ur:seed) to a new file')
    .addOption(new Option('--format <form>', 'words or ur').choices(['words', 'ur']).default('words'))
    .option('--out <file>', 'a new file, readable by you alone, instead of the terminal')
    .action(run(backup));
}

interface Flags {
  readonly format: 'words' | 'ur';
  readonly out?: string;
}

async function backup(context: Context, { format, out }: Flags): Promise<void> {
  const { terminal } = context;
  if (context.flags.preview === true) {
    terminal.result(`would show the owner seed as ${format} ${out === undefined ? 'here' : `in ${out}`}`, {
      preview: true,
    });
    return;
  }
  await assertFree(out);
  const seed = await unlockSeed(context, { evenIfKept: true });
  const text = (format === 'ur' ? seedToUr : seedToWords)(seed);
  try {
    const content = reveal(text, 'handing the backup to its owner');
    if (out !== undefined) await writeBackup(out, content);
    else if (!(format === 'ur' ? terminal.secretLines(`\n  ${content}\n\n`) : showWords(terminal, content))) {
      throw noTerminal();
    }
    terminal.result(out === undefined ? '' : `backup written to ${out}`, { format, out: out ?? null });
    await noteBackup(context, seed);
  } finally {
    wipe(seed);
    wipe(text);
  }
}

async function writeBackup(path: string, content: string): Promise<void> {
  const bytes = encodeUtf8(`${content}\n`);
  try {
    await writeOut(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

function noTerminal(): UsageError {
  return new UsageError('there is no terminal to show the backup on', {
    code: 'INPUT_NEEDED',
    hint: 'run this on a terminal, or write it to a new file with --out',
  });
}
