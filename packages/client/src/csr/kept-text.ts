import { CkmError, EncodingError, reveal, secret, type Secret } from '@ckm/foundation';
import {
  combineSecret,
  type Envelope,
  formatSeedUr,
  isShareText,
  joinEnvelopes,
  parseEnvelopeUr,
  seedInEnvelope,
  seedInUr,
  sharesInText,
  subjectOf,
} from '@ckm/gordian';
import { secretToWords, wordsToSecret } from '../seed/words.js';

/**
 * The secret in texts as other Gordian tools write them: 12 to 24 words, `ur:seed`, SSKR shares (`ur:sskr` or words), or envelopes of a seed, whole or in
 * shares. The caller wipes it.
 * @param texts one, or a text for each share
 * @throws EncodingError `SEED_WORDS_INVALID`, `SEED_UR_INVALID`, `SSKR_SHARE_UNREADABLE`, `SSKR_SHARES_INSUFFICIENT`, `SSKR_SHARES_INVALID`,
 * `ENVELOPE_LEAF_EXPECTED`; AccessError `ENVELOPE_SHARES_INSUFFICIENT`
 */
export function keptInTexts(texts: readonly Secret<string>[]): Secret<Uint8Array> {
  const read = texts.map((text) => reveal(text, 'reading what is to be shared out'));
  const whole = read.join('\n');
  const envelopes = whole.match(/ur:envelope\/[a-z]+/gi) ?? [];
  if (envelopes.length > 0) return secret(seedIn(envelopes.map((one) => parseEnvelopeUr(one.toLowerCase()))));
  if (read.some(isShareText)) return combineSecret(read.flatMap(sharesInText));
  if (/^[^a-z0-9]*ur:/i.test(whole)) return secret(seedOfUr(whole));
  return wordsToSecret(secret(whole));
}

/** In one piece, or in copies that have a share each. */
function seedIn(envelopes: readonly Envelope[]): Uint8Array {
  const [first] = envelopes;
  const isWhole = envelopes.length === 1 && subjectOf(first!).kind !== 'encrypted';
  return seedInEnvelope(isWhole ? first! : joinEnvelopes(envelopes));
}

function seedOfUr(text: string): Uint8Array {
  try {
    const seed = seedInUr(text.replaceAll(/[^A-Za-z0-9:/-]+/g, ''));
    if (seed !== null) return seed;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
  }
  // Without a cause, which could quote what was typed.
  throw new EncodingError('this is not a seed as ur:seed', {
    code: 'SEED_UR_INVALID',
    hint: 'copy the whole line again, from ur:seed/ to its end',
  });
}

/** As `ur:seed`, which other Gordian tools read. */
export function keptToUr(kept: Secret<Uint8Array>): Secret<string> {
  return secret(formatSeedUr(reveal(kept, 'writing down what was shared out')));
}

/** As words, where there are such of its length; else as `ur:seed`. */
export function keptToText(kept: Secret<Uint8Array>): Secret<string> {
  const { length } = reveal(kept, 'writing down what was shared out');
  return length % 4 === 0 ? secretToWords(kept) : keptToUr(kept);
}
