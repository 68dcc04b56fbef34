import { type DepositSecret, drawDepositSecret, seedToWords, wordsToSeed } from '@ckm/client';
import {
  EncodingError,
  encodeUtf8,
  equalBytes,
  reveal,
  type Secret,
  secret,
  UsageError,
  wipe,
} from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import type { Context } from '../command-line/context.js';
import { askAgain } from '../terminal/ask-again.js';
import { showWords } from '../terminal/show-words.js';
import { writeOut } from '../terminal/write-out.js';
import { askSeedWords, readSecretText } from './read-backup.js';

/** As every flag that names a file with words of shares says it. */
export const WORDS_FILE = '--words-file <file>';
export const WORDS_OUT = '--words-out <file>';
export const GONE = '--gone <names>';
export const GONE_SAYS = 'servers that are gone for good: their old shares are waited for no longer';

const WARNING =
  'These 24 words are of the shares, and not of your keys: write them down, on a paper of their own, and beside them where the shares lie. Whoever has them brings back what is shared out, as you do. They stay on no machine.';

/**
 * The words of shares, from a file, else typed.
 * @param file `-` is stdin; undefined: a person is asked
 * @throws EncodingError `SEED_WORDS_INVALID`; as `askHidden`, `readInput`
 */
export async function readDepositWords(
  { terminal }: Context,
  file: string | undefined,
  question = 'The 24 words of the shares',
  flag = '--words-file',
): Promise<DepositSecret> {
  if (file !== undefined) return wordsToSeed(secret(await readSecretText(file)));
  return askAgain(terminal, ['SEED_WORDS_INVALID'], async () =>
    wordsToSeed(await askSeedWords(terminal, question, `name a file with ${flag}`)),
  );
}

/**
 * Draws a new secret for shares, and lets nobody go on before its words are written down: in a new file, else on paper, from which they are typed once more.
 * @throws UsageError `INPUT_NEEDED`, `FILE_EXISTS`; EncodingError `DEPOSIT_WORDS_DIFFER`
 */
export async function newDepositWords(context: Context, out: string | undefined): Promise<DepositSecret> {
  const drawn = drawDepositSecret((length) => new Uint8Array(randomBytes(length)));
  const words = seedToWords(drawn);
  try {
    const text = reveal(words, 'handing the words of shares to their owner');
    if (out === undefined) await showAndAsk(context, drawn, text);
    else await writeWords(out, text);
    return drawn;
  } catch (error) {
    wipe(drawn);
    throw error;
  } finally {
    wipe(words);
  }
}

async function showAndAsk({ terminal }: Context, drawn: DepositSecret, text: string): Promise<void> {
  if (!showWords(terminal, text, WARNING))
    throw new UsageError('there is no terminal to show the words of the shares on', {
      code: 'INPUT_NEEDED',
      hint: 'run this on a terminal, or write them to a new file with --words-out',
    });
  await askAgain(terminal, ['SEED_WORDS_INVALID', 'DEPOSIT_WORDS_DIFFER'], async () => {
    const question = 'Type all 24 once more, from the paper';
    const typed = wordsToSeed(await askSeedWords(terminal, question, 'run this on a terminal'));
    const isSame = isSameSecret(typed, drawn);
    wipe(typed);
    if (!isSame) throw wordsDiffer();
  });
}

function isSameSecret(one: Secret<Uint8Array>, other: Secret<Uint8Array>): boolean {
  const why = 'comparing what was written down with what was shown';
  return equalBytes(reveal(one, why), reveal(other, why));
}

async function writeWords(path: string, text: string): Promise<void> {
  const bytes = encodeUtf8(`${text}\n`);
  try {
    await writeOut(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

function wordsDiffer(): EncodingError {
  return new EncodingError('these are other words than those that were shown', {
    code: 'DEPOSIT_WORDS_DIFFER',
    hint: 'nothing is stored yet: do it again, and new words are drawn',
  });
}
