import { concatBytes, CkmError, EncodingError, reveal, secret, type Secret } from '@ckm/foundation';
import { formatUr, parseUr } from '@ckm/gordian';
import { SEED_BYTES } from './words.js';

/** CBOR `{1: h'…32 bytes…'}`; further entries (date, name, note) come after, because keys are sorted. */
const MAP_OF_ONE = 0xa1;
const MAP_OF_FOUR = 0xa4;
const PAYLOAD = Uint8Array.of(0x01, 0x58, SEED_BYTES);
const HEAD_BYTES = 1 + PAYLOAD.length;

/** The owner seed as `ur:seed/…`, which other Gordian tools read. For its owner's eyes only. Source: BCR-2020-006. */
export function seedToUr(seed: Secret<Uint8Array>): Secret<string> {
  const bytes = reveal(seed, 'writing the seed down as ur:seed');
  const cbor = concatBytes(Uint8Array.of(MAP_OF_ONE), PAYLOAD, bytes);
  try {
    return secret(formatUr({ type: 'seed', cbor }));
  } finally {
    cbor.fill(0);
  }
}

/** The seed inside `ur:seed/…`; name, note and date in it are passed over. @throws EncodingError `SEED_UR_INVALID` */
export function urToSeed(text: Secret<string>): Secret<Uint8Array> {
  const cbor = parseSeedUr(reveal(text, 'reading the seed from ur:seed').trim());
  const entries = cbor[0]!;
  const isSeed =
    entries >= MAP_OF_ONE && entries <= MAP_OF_FOUR && PAYLOAD.every((byte, i) => cbor[1 + i] === byte);
  if (!isSeed) throw invalid('it does not hold 32 bytes');
  const seed = cbor.slice(HEAD_BYTES, HEAD_BYTES + SEED_BYTES);
  cbor.fill(0);
  return secret(seed);
}

function parseSeedUr(text: string): Uint8Array {
  try {
    return parseUr(text, 'seed', { maxBytes: 1024, maxDepth: 4 }).cbor;
  } catch (error) {
    // The cause could quote what was typed.
    if (error instanceof CkmError) throw invalid('it cannot be read');
    throw error;
  }
}

function invalid(why: string): EncodingError {
  return new EncodingError(`this is not an owner seed as ur:seed: ${why}`, {
    code: 'SEED_UR_INVALID',
    hint: 'copy the whole line again, from ur:seed/ to its end',
  });
}
