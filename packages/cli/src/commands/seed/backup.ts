import { encodeUtf8, reveal, type Secret, UsageError, wipe } from '@ckm/foundation';
import { seedToUr, seedToWords } from '@ckm/client';
import type { SplitPlan } from '@ckm/gordian';
import { type Command, Option } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { parseSharePlan, planMeaning } from '../../command-line/share-plan.js';
import {
  assertSplittable,
  newShares,
  type SharePages,
  showShares,
  wipeShares,
  writeShares,
} from '../../owner/back-up-shares.js';
import { noteBackup } from '../../owner/note-backup.js';
import { unlockSeed } from '../../owner/owner-seed.js';
import { counted } from '../../terminal/counted.js';
import { showWords } from '../../terminal/show-words.js';
import { assertWritable, outFile, writeOut } from '../../terminal/write-out.js';

const FORMS = ['words', 'ur', 'sskr'] as const;

/** `ckm seed backup` */
export function seedBackupCommand(): Command {
  return leaf('backup', 'show the 24 words, or shares of the seed, or write them to new files')
    .addOption(
      new Option('--format <form>', 'words, ur, or sskr: shares, some of which bring the seed back')
        .choices(FORMS)
        .default('words'),
    )
    .option(
      '--groups <groups>',
      'of sskr: how many of how many shares it takes, 2of3 or 2of3,3of5 (default: 2of3)',
    )
    .option('--groups-needed <count>', 'of sskr: how many of several groups it takes')
    .option(
      '--out <file>',
      'a new file, readable by you alone, instead of the terminal; - is stdout, for another program; of sskr a new folder',
    )
    .action(run(backup));
}

interface Flags {
  readonly format: (typeof FORMS)[number];
  readonly groups?: string;
  readonly groupsNeeded?: string;
  readonly out?: string;
}

async function backup(context: Context, given: Flags): Promise<void> {
  const { format, out: named } = given;
  const { terminal } = context;
  const plan = planOf(given);
  const out = outFile(named);
  await assertWritable(out, context.flags);
  if (context.flags.preview === true) {
    const as = plan === null ? format : `shares: ${planMeaning(plan)};`;
    terminal.result(`would show the owner seed as ${as} ${out === undefined ? 'here' : `in ${out}`}`, {
      preview: true,
    });
    return;
  }
  const seed = await unlockSeed(context, { evenIfKept: true });
  try {
    if (plan !== null) await backUpShares(context, seed, plan, out);
    else await backUpWhole(context, seed, { format, named });
    await noteBackup(context, seed, { form: plan === null ? 'words' : 'shares', isTyped: false });
  } finally {
    wipe(seed);
  }
}

/** Null: the seed is wanted in one piece. @throws UsageError `OPTION_INVALID`; as `parseSharePlan`, `assertSplittable` */
function planOf({ format, groups, groupsNeeded, out }: Flags): SplitPlan | null {
  if (format !== 'sskr') {
    if (groups === undefined && groupsNeeded === undefined) return null;
    throw optionInvalid('--groups and --groups-needed are for shares', 'add --format sskr');
  }
  if (out === '-')
    throw optionInvalid(
      'shares that are meant to be apart do not go into one output',
      'name a new folder: --out FOLDER',
    );
  const plan = parseSharePlan(groups ?? '2of3', groupsNeeded);
  assertSplittable(plan);
  return plan;
}

async function backUpWhole(
  { terminal }: Context,
  seed: Secret<Uint8Array>,
  { format, named }: { readonly format: Flags['format']; readonly named: string | undefined },
): Promise<void> {
  const out = outFile(named);
  // A terminal keeps what stdout shows.
  const isPiped = named === '-' && !process.stdout.isTTY;
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
  } finally {
    wipe(text);
  }
}

async function backUpShares(
  { terminal }: Context,
  seed: Secret<Uint8Array>,
  plan: SplitPlan,
  out: string | undefined,
): Promise<void> {
  const pages = newShares(seed, plan);
  try {
    if (out === undefined) {
      if (!(await showShares(terminal, pages))) throw noTerminal();
      terminal.result('', sharesObject(pages, null, []));
      return;
    }
    const files = await writeShares(out, pages);
    terminal.result(
      `${counted(files.length, 'share')} written to ${out}, a file each`,
      sharesObject(pages, out, files),
    );
    terminal.talk(
      '  take each to another place, and remove it here; try them first: ckm seed verify FILE FILE',
    );
  } finally {
    wipeShares(pages);
  }
}

/** Nothing of the shares themselves. */
function sharesObject({ set, plan }: SharePages, out: string | null, files: readonly string[]) {
  return { format: 'sskr', out, set, ...plan, files };
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
