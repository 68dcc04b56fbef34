import { encodeUtf8, reveal, UsageError, wipe } from '@ckm/foundation';
import { seedToUr, seedToWords } from '@ckm/client';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { noteBackup } from '../../owner/note-backup.js';
import { unlockSeed } from '../../owner/owner-seed.js';
import { showWords } from '../../terminal/show-words.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

/** `ckm seed backup` */
export function seedBackupCommand(): Command {
  return leaf('backup', 'show the 24 words, or write them (or ur:seed) to a new file')
    .addOption(new Option('--format <form>', 'words or ur').choices(['words', 'ur']).default('words'))
    .option(
      '--out <file>',
      'a new file, readable by you alone, instead of the terminal; - is stdout, for another program',
    )
    .action(run(backup));
}

interface Flags {
  readonly format: 'words' | 'ur';
  readonly out?: string;
}

async function backup(context: Context, { format, out: named }: Flags): Promise<void> {
  const { terminal } = context;
  const out = outFile(named);
  // A terminal keeps what stdout shows.
  const isPiped = named === '-' && !process.stdout.isTTY;
  if (context.flags.preview === true) {
    terminal.result(`would show the owner seed as ${format} ${out === undefined ? 'here' : `in ${out}`}`, {
      preview: true,
    });
    return;
  }
  await assertWritable(out, context.flags);
  const seed = await unlockSeed(context, { evenIfKept: true });
  const text = (format === 'ur' ? seedToUr : seedToWords)(seed);
  try {
    const content = reveal(text, 'handing the backup to its owner');
    if (isPiped) await terminal.deliver(content, { format, out: null, backup: content }, 'run it again');
    else if (out !== undefined) await writeBackup(out, content);
    else if (!(format === 'ur' ? terminal.secretLines(`\n  ${content}\n\n`) : showWords(terminal, content))) {
      throw noTerminal();
    }
    if (!isPiped)
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
