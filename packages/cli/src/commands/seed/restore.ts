import { wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { acceptSheet } from '../../sheet/accept-sheet.js';
import { type AddedServers, addFromSheet } from '../../sheet/add-from-sheet.js';
import { parseSheet } from '../../sheet/sheet.js';
import { assertSocketsFit, holdsWords, isInitialised, ownerExists } from '../../home/home.js';
import { noteBackup } from '../../owner/note-backup.js';
import { seedDiffers, storeSeed } from '../../owner/owner-seed.js';
import { compareSeed } from '../../home/seed-print.js';
import { readBackup } from '../../owner/read-backup.js';
import { readInput } from '../../terminal/read-input.js';

/** A page with the pictures of a thousand servers. */
const MOST_SHEET_BYTES = 16_777_216;

/** `ckm seed restore` */
export function seedRestoreCommand(): Command {
  return leaf('restore', 'bring the owner seed back from 24 words, ur:seed or shares')
    .option('--from <file>', 'read them from a file instead of asking; again for each share', again, [])
    .option('--sheet <file>', 'also add the servers on your recovery sheet (see ckm sheet)')
    .option('--new-passphrase', 'the seed is here, but its passphrase is lost or its file damaged')
    .action(run(restore));
}

const NOTHING_ADDED: AddedServers = { added: [], failed: [] };

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface Flags {
  readonly from: readonly string[];
  readonly newPassphrase?: true;
  readonly sheet?: string;
}

async function restore(context: Context, { from, newPassphrase, sheet }: Flags): Promise<void> {
  const { home, terminal } = context;
  const replace = newPassphrase === true;
  if (!replace) assertSocketsFit(home);
  if ((await isInitialised(home)) && !(replace && (await holdsWords(home)))) throw await ownerExists(home);
  const given = sheet === undefined ? null : parseSheet(await readSheetFile(sheet));
  const { seed, form } = await readBackup(context, from);
  try {
    const comparison = await compareSeed(home, seed);
    if (comparison === 'other') throw seedDiffers(home);
    const accepted = given === null ? null : await acceptSheet(context, seed, given);
    if (context.flags.preview === true) {
      terminal.result(`the backup is good; would restore it into ${home.path}`, {
        preview: true,
        home: home.path,
      });
      return;
    }
    const before = !replace ? 'refuse' : comparison === 'same' ? 'replace' : 'keep';
    const kept = await storeSeed(context, seed, before);
    if (kept !== undefined)
      terminal.warn(`ckm: warning: the seed that was here cannot be compared; its file is kept as ${kept}`);
    const { added, failed } = accepted === null ? NOTHING_ADDED : await addFromSheet(context, seed, accepted);
    terminal.result(`owner seed restored into ${home.path}`, {
      home: home.path,
      kept: kept ?? null,
      added,
      failed,
    });
    if (!replace) terminal.talk(nextSteps(given?.servers.length ?? 0, failed));
    await noteBackup(context, seed, { form, isTyped: true });
  } finally {
    wipe(seed);
  }
}

function nextSteps(listed: number, failed: readonly string[]): string {
  if (listed === 0) return 'next: ckm server add NAME URL, for each of your servers; then: ckm key fetch';
  if (failed.length === 0) return 'next: ckm key fetch';
  return `next: ckm server add NAME URL, for ${failed.join(', ')}; then: ckm key fetch`;
}

async function readSheetFile(path: string): Promise<string> {
  const bytes = await readInput(path, MOST_SHEET_BYTES, 'name the right file: no sheet is so long');
  return new TextDecoder().decode(bytes).trim();
}
