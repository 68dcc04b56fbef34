import { EncodingError, secret, type Secret, reveal } from '@ckm/foundation';
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** Bytes of an owner seed. */
export const SEED_BYTES = 32;
/** Words of its backup. */
export const SEED_WORDS = 24;
/** So many letters tell every word of the list from every other; plates of steel have no more. */
const TELLING_LETTERS = 4;

/**
 * The owner seed as 24 English words, the last of which holds a checksum. For a person's eyes only.
 * Source: BIP-39 (entropy ↔ words only; its passphrase and PBKDF2 step are not used).
 */
export function seedToWords(seed: Secret<Uint8Array>): Secret<string> {
  return secret(entropyToMnemonic(reveal(seed, 'writing the seed down as words'), wordlist));
}

/**
 * The seed that 24 words stand for, each whole or cut off behind its fourth letter. Capitals, quotation marks, commas, line
 * breaks and further spaces do not matter; nor do their numbers, as `1 word`, `1. word`, which may come in any order: the
 * words are shown in columns.
 * @throws EncodingError `SEED_WORDS_INVALID`, naming the place of the first unknown word but never the word.
 */
export function wordsToSeed(words: Secret<string>): Secret<Uint8Array> {
  const list = listOf(words);
  if (list.length !== SEED_WORDS) throw invalid(`there are ${list.length} words, not ${SEED_WORDS}`);
  return entropyOf(list);
}

/** How many words there are of the secrets of 16 to 32 bytes that have any. Source: BIP-39 */
const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];

/**
 * The secret that 12 to 24 words stand for, as {@link wordsToSeed} reads them: 16 to 32 bytes.
 * @throws EncodingError `SEED_WORDS_INVALID`
 */
export function wordsToSecret(words: Secret<string>): Secret<Uint8Array> {
  const list = listOf(words);
  if (!WORD_COUNTS.includes(list.length))
    throw invalid(`there are ${list.length} words, not 12, 15, 18, 21 or 24`);
  return entropyOf(list);
}

/** 12 to 24 words for 16 to 32 bytes, a multiple of four. For a person's eyes only. */
export function secretToWords(bytes: Secret<Uint8Array>): Secret<string> {
  return secret(entropyToMnemonic(reveal(bytes, 'writing a secret down as words'), wordlist));
}

function entropyOf(list: readonly string[]): Secret<Uint8Array> {
  const unknown = list.findIndex((word) => !wordlist.includes(word));
  if (unknown !== -1) throw invalid(`word ${unknown + 1} is not on the list`);
  try {
    return secret(mnemonicToEntropy(list.join(' '), wordlist));
  } catch {
    throw invalid('the checksum does not match');
  }
}

/** Which of 24 words is not on the list, the first as 1; null where every one is, or where there are not 24. */
export function unknownWord(words: Secret<string>): number | null {
  const list = listOf(words);
  const at = list.findIndex((word) => !wordlist.includes(word));
  return list.length === SEED_WORDS && at !== -1 ? at + 1 : null;
}

/** The same words with another one in that place. @param place the first is 1 */
export function replaceWord(words: Secret<string>, place: number, word: Secret<string>): Secret<string> {
  // Behind its number, where that was typed, too.
  const typed = listOf(word).at(-1) ?? '';
  return secret(
    listOf(words)
      .with(place - 1, typed)
      .join(' '),
  );
}

function listOf(words: Secret<string>): readonly string[] {
  const typed = reveal(words, 'reading the seed from words').normalize('NFKD').toLowerCase();
  const visible = typed.replaceAll(/\p{Cf}/gu, '').replaceAll(/([0-9])(?=\p{L})/gu, '$1 ');
  const parts = visible.split(/[^\p{L}\p{M}\p{N}]+/u).filter((part) => part !== '');
  return byNumber(parts).map(wholeWord);
}

/** Numbered words in the order of their numbers; anything else as it stands. */
function byNumber(typed: readonly string[]): readonly string[] {
  const numbered: string[] = [];
  for (let at = 0; at < typed.length; at += 2) {
    const number = /^[0-9]{1,2}$/.test(typed[at]!) ? Number(typed[at]) : 0;
    const isNext = number >= 1 && number <= SEED_WORDS && numbered[number - 1] === undefined;
    if (!isNext || typed[at + 1] === undefined) return typed;
    numbered[number - 1] = typed[at + 1]!;
  }
  return Object.keys(numbered).length === numbered.length ? numbered : typed;
}

function wholeWord(typed: string): string {
  if (typed.length < TELLING_LETTERS || wordlist.includes(typed)) return typed;
  return wordlist.find((word) => word.startsWith(typed)) ?? typed;
}

function invalid(why: string): EncodingError {
  return new EncodingError(`these words are not an owner seed: ${why}`, {
    code: 'SEED_WORDS_INVALID',
    hint: 'type the 24 words again, in order, from the backup',
  });
}
