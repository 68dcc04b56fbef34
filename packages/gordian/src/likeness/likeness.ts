import { wordlist } from '@scure/bip39/wordlists/english.js';
import { concatBytes, encodeHex, encodeUtf8, UsageError } from '@ckm/foundation';
import { primitives } from '../primitives/runtime.js';
import { pictureFrom, type LikenessPicture } from './picture.js';

/**
 * What people compare to make sure that they mean the same key, server or person: six words, eight hex digits and a
 * picture of one digest, shown in this order everywhere.
 */
export interface Likeness {
  /**
   * Six of 2,048 words: 66 bits. A likeness never changes, so somebody may search for a twin as long as they like;
   * the words alone are meant to withstand that, the rest is a second reading.
   */
  readonly words: readonly string[];
  /** The first four bytes of the digest itself, as Gordian tools show it. */
  readonly digest: string;
  readonly picture: LikenessPicture;
}

const WORDS = 6;
const BITS_PER_WORD = 11n;
const TAG = encodeUtf8('ckm/likeness/v1');
const DIGEST_BYTES = 32;

/**
 * The likeness of a 32-byte digest. The words and the picture come from SHA-256(tag ‖ digest): 9 bytes for the words,
 * the other 23 for the picture, so that each adds to what the others show.
 * @throws UsageError `LIKENESS_DIGEST_LENGTH`.
 */
export function likenessOf(digest: Uint8Array): Likeness {
  if (digest.length !== DIGEST_BYTES) {
    throw new UsageError(`a likeness shows a digest of ${DIGEST_BYTES} bytes, not ${digest.length}`, {
      code: 'LIKENESS_DIGEST_LENGTH',
      hint: 'hash what should be compared first',
    });
  }
  const stream = primitives.sha256(concatBytes(TAG, digest));
  return {
    words: wordsFrom(stream.subarray(0, 9)),
    digest: encodeHex(digest.subarray(0, 4)),
    picture: pictureFrom(stream.subarray(9)),
  };
}

/** The first 66 of 72 bits, eleven to a word. */
function wordsFrom(bytes: Uint8Array): readonly string[] {
  const bits = BigInt(`0x${encodeHex(bytes)}`) >> 6n;
  return Array.from({ length: WORDS }, (_, i) => {
    const index = (bits >> (BITS_PER_WORD * BigInt(WORDS - 1 - i))) & 2047n;
    return wordlist[Number(index)]!;
  });
}

/** `word-word-word-word-word-word`. */
export function formatWords(likeness: Likeness): string {
  return likeness.words.join('-');
}

/** Whether a person typed the words of this digest; case and what stands between words do not matter. */
export function isLikenessOf(typed: string, digest: Uint8Array): boolean {
  const words = typed.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.join('-') === formatWords(likenessOf(digest));
}
