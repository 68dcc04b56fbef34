import { reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { replaceWord, unknownWord, urToSeed, wordsToSeed } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { acceptSheet } from '../../sheet/accept-sheet.js';
import { type AddedServers, addFromSheet } from '../../sheet/add-from-sheet.js';
import { parseSheet } from '../../sheet/sheet.js';
import { assertSocketsFit, isInitialised } from '../../home/home.js';
import { noteBackup } from '../../owner/note-backup.js';
import { seedDiffers, seedExists, storeSeed } from '../../owner/owner-seed.js';
import { compareSeed } from '../../home/seed-print.js';
import { askAgain } from '../../terminal/ask-again.js';
import { askHidden } from '../../terminal/prompt.js';
import { readInput } from '../../terminal/read-input.js';
import type { Terminal } from '../../terminal/terminal.js';

const MOST_BYTES = 4096;
/** Of a seed of 32 bytes. Source: BIP-39 */
const WORDS = 24;
/** More mistakes than this are a list of other words. */
const MOST_WORDS_ASKED = 6;
/** A page with the pictures of a thousand servers. */
const MOST_SHEET_BYTES = 16_777_216;

/** `ckm seed restore` */
export function seedRestoreCommand(): Command {
  return leaf('restore', 'bring the owner seed back from 24 words or ur:seed')
    .option('--from <file>', 'read them from a file instead of asking')
    .option('--sheet <file>', 'also add the servers on your recovery sheet (see ckm sheet)')
    .option('--new-passphrase', 'the seed is here, but its passphrase is lost or its file damaged')
    .action(run(restore));
}

const NOTHING_ADDED: AddedServers = { added: [], failed: [] };

interface Flags {
  readonly from?: string;
  readonly newPassphrase?: true;
  readonly sheet?: string;
}

async function restore(context: Context, { from, newPassphrase, sheet }: Flags): Promise<void> {
  const { home, terminal } = context;
  const replace = newPassphrase === true;
  if (!replace) assertSocketsFit(home);
  if (!replace && (await isInitialised(home))) throw seedExists(home);
  const given = sheet === undefined ? null : parseSheet(await readText(sheet, MOST_SHEET_BYTES));
  const seed = await readBackup(context, from);
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
    await noteBackup(context, seed);
  } finally {
    wipe(seed);
  }
}

function nextSteps(listed: number, failed: readonly string[]): string {
  if (listed === 0) return 'next: ckm server add NAME URL, for each of your servers; then: ckm key fetch';
  if (failed.length === 0) return 'next: ckm key fetch';
  return `next: ckm server add NAME URL, for ${failed.join(', ')}; then: ckm key fetch`;
}

async function readBackup(context: Context, from: string | undefined): Promise<Secret<Uint8Array>> {
  if (from !== undefined) return parseBackup(secret(lettersOf(await readText(from))));
  return askAgain(context.terminal, ['SEED_WORDS_INVALID', 'SEED_UR_INVALID'], async () =>
    parseBackup(await askWords(context.terminal)),
  );
}

/** Typed unseen: a word that is not on the list is asked for again by itself. */
async function askWords(terminal: Terminal): Promise<Secret<string>> {
  const hint = 'name a file with --from';
  let words = secret(await askHidden(terminal, 'The 24 words, or ur:seed/…', hint, WORDS));
  for (let asked = 0; asked < MOST_WORDS_ASKED; asked++) {
    const place = unknownWord(words);
    if (place === null) break;
    const question = `Word ${place} is not on the list, the other words are kept: word ${place} alone, again`;
    words = replaceWord(words, place, secret(await askHidden(terminal, question, hint)));
  }
  return words;
}

function parseBackup(text: Secret<string>): Secret<Uint8Array> {
  const isUr = /^[^a-z0-9]*ur:/i.test(reveal(text, 'telling words from ur'));
  return isUr ? urToSeed(text) : wordsToSeed(text);
}

/** Without what is left of UTF-16, as some editors save: a zero beside each letter, behind a mark that is not UTF-8. */
function lettersOf(text: string): string {
  return text.replaceAll(/[\0\ufffd]/g, '');
}

async function readText(path: string, most = MOST_BYTES): Promise<string> {
  const bytes = await readInput(path, most, 'name the right file: no seed and no sheet is so long');
  const text = new TextDecoder().decode(bytes).trim();
  bytes.fill(0);
  return text;
}
