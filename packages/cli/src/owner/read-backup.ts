import {
  createShareSet,
  replaceWord,
  type SeedBackupForm,
  type SharePlace,
  type ShareSet,
  unknownWord,
  urToSeed,
  wordsToSeed,
} from '@ckm/client';
import { CkmError, reveal, secret, type Secret, StateError } from '@ckm/foundation';
import { isShareText } from '@ckm/gordian';
import type { Context } from '../command-line/context.js';
import { askAgain } from '../terminal/ask-again.js';
import { missingShares } from '../terminal/missing-shares.js';
import { askHidden } from '../terminal/prompt.js';
import { readInput } from '../terminal/read-input.js';
import { canAsk } from '../terminal/seat.js';
import type { Terminal } from '../terminal/terminal.js';

const MOST_BYTES = 4096;
/** Of a seed of 32 bytes. Source: BIP-39 */
const WORDS = 24;
/** More mistakes than this are a list of other words. */
const MOST_WORDS_ASKED = 6;
/** Wrong shares in a row, after which it is not a slip any more. */
const MOST_WRONG = 3;
/** What another answer may cure. */
const CURABLE_SHARE: readonly string[] = [
  'SSKR_SHARE_UNREADABLE',
  'SEED_SHARES_MIXED',
  'SEED_SHARE_REPEATED',
];

/** What a backup brings back. */
export interface ReadBackup {
  readonly seed: Secret<Uint8Array>;
  readonly form: SeedBackupForm;
  /** Shares that were laid beside each other; empty where the backup is in one piece. */
  readonly fitting: readonly SharePlace[];
  /** Shares of groups of which too few are there to say. */
  readonly unchecked: readonly SharePlace[];
}

/**
 * Reads a backup of the seed from files, or asks for it: the words, ur:seed, or shares in any order.
 * @param paths `-` is stdin; none: a person is asked
 * @throws EncodingError `SEED_WORDS_INVALID`, `SEED_UR_INVALID`, `SSKR_SHARE_UNREADABLE`, `SEED_SHARES_MIXED`, `SEED_SHARES_OTHER`;
 * StateError `SEED_SHARE_REPEATED`, `SEED_SHARES_TOO_FEW`; as `readInput`, `askHidden`
 */
export async function readBackup(context: Context, paths: readonly string[]): Promise<ReadBackup> {
  const set = createShareSet();
  try {
    return await (paths.length === 0 ? askBackup(context.terminal, set) : readFiles(paths, set));
  } finally {
    set.wipe();
  }
}

async function readFiles(paths: readonly string[], set: ShareSet): Promise<ReadBackup> {
  const [first, ...others] = await readAll(paths);
  if (others.length === 0 && !isShare(first!.text)) return inOnePiece(parseWhole(first!.text));
  for (const { path, text } of [first!, ...others]) {
    try {
      set.add(text);
    } catch (error) {
      throw error instanceof CkmError ? about(path, error) : error;
    }
  }
  return fromShares(set);
}

async function readAll(paths: readonly string[]) {
  const read: { readonly path: string; readonly text: Secret<string> }[] = [];
  for (const path of paths) read.push({ path, text: secret(await readSecretText(path)) });
  return read;
}

/** The same error, with the file that it is about before what is wrong. */
function about(path: string, { errorClass, message, code, hint }: CkmError): CkmError {
  return new CkmError(errorClass, `${path === '-' ? 'stdin' : path}: ${message}`, { code, hint });
}

async function askBackup(terminal: Terminal, set: ShareSet): Promise<ReadBackup> {
  return askAgain(terminal, ['SEED_WORDS_INVALID', 'SEED_UR_INVALID'], async () => {
    const typed = await askSeedWords(
      terminal,
      'The 24 words, ur:seed/…, or a share of it',
      'name a file with --from',
    );
    return isShare(typed) ? askShares(terminal, set, typed) : inOnePiece(parseWhole(typed));
  });
}

/** Typed unseen: a word that is not on the list is asked for again by itself. */
export async function askSeedWords(terminal: Terminal, asked: string, hint: string): Promise<Secret<string>> {
  let words = secret(await askHidden(terminal, asked, hint, WORDS));
  for (let asked = 0; asked < MOST_WORDS_ASKED; asked++) {
    const place = unknownWord(words);
    if (place === null) break;
    const question = `Word ${place} is not on the list, the other words are kept: word ${place} alone, again`;
    words = replaceWord(words, place, secret(await askHidden(terminal, question, hint)));
  }
  return words;
}

/** One share after the other, in any order, until they are enough. */
async function askShares(terminal: Terminal, set: ShareSet, first: Secret<string>): Promise<ReadBackup> {
  let wrong = 0;
  for (let typed = first; ;) {
    try {
      for (const place of set.add(typed)) terminal.talk(`  ${placeText(place)} of set ${place.set} is taken`);
      wrong = 0;
    } catch (error) {
      const isCurable = error instanceof CkmError && CURABLE_SHARE.includes(error.code);
      if (!isCurable || ++wrong === MOST_WRONG || !canAsk(terminal)) throw error;
      terminal.warn(`  ${error.message}: it is left out`);
    }
    const missing = set.missing();
    if (missing === null) return fromShares(set);
    const question =
      set.places().length === 0 ? 'A share' : `Not enough yet: ${missingShares(missing)}. The next one`;
    typed = secret(await askHidden(terminal, question, 'name files with --from'));
  }
}

function fromShares(set: ShareSet): ReadBackup {
  const missing = set.missing();
  if (missing !== null)
    throw new StateError(`these shares are not enough: ${missingShares(missing)}`, {
      code: 'SEED_SHARES_TOO_FEW',
      hint: 'give these, too, all in one command, in any order',
      retryable: false,
    });
  const seed = set.seed();
  const unchecked = set.unchecked();
  const isFitting = ({ group, member }: SharePlace) =>
    !unchecked.some((one) => one.group === group && one.member === member);
  return { seed, form: 'shares', fitting: set.places().filter(isFitting), unchecked };
}

/** What people call a share. */
export function placeText({ group, member }: Pick<SharePlace, 'group' | 'member'>): string {
  return `share ${member} of group ${group}`;
}

function inOnePiece(seed: Secret<Uint8Array>): ReadBackup {
  return { seed, form: 'words', fitting: [], unchecked: [] };
}

function isShare(text: Secret<string>): boolean {
  return isShareText(reveal(text, 'telling a share from the words'));
}

function parseWhole(text: Secret<string>): Secret<Uint8Array> {
  const isUr = /^[^a-z0-9]*ur:/i.test(reveal(text, 'telling words from ur'));
  return isUr ? urToSeed(text) : wordsToSeed(text);
}

/** Without what is left of UTF-16, as some editors save: a zero beside each letter, behind a mark that is not UTF-8. */
export async function readSecretText(path: string, mostBytes = MOST_BYTES): Promise<string> {
  const bytes = await readInput(path, mostBytes, 'name the right file: no seed and no share is so long');
  const text = new TextDecoder()
    .decode(bytes)
    .replaceAll(/[\0\ufffd]/g, '')
    .trim();
  bytes.fill(0);
  return text;
}
