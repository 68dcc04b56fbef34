import { concatBytes, CkmError, EncodingError, reveal, secret, type Secret } from '@ckm/foundation';
import { formatUr, parseUr } from '@ckm/gordian';
import { SEED_BYTES } from './words.js';

/** CBOR `{1: h'…32 bytes…'}`; further entries (date, name, note) come after, because keys are sorted. */
const MAP_OF_ONE = 0xa1;
const MAP_OF_FOUR = 0xa4;
const PAYLOAD = Uint8Array.of(0x01, 0x58, SEED_BYTES);
const HEAD_BYTES = 1 + PAYLOAD.length;
/** What a seed is called today, and was until 2022. */
const TYPES = ['seed', 'crypto-seed'];
/** Tags 40300 and, of the old name, 300: a UR leaves them out, but some programs do not. */
const TAGS = [Uint8Array.of(0xd9, 0x9d, 0x6c), Uint8Array.of(0xd9, 0x01, 0x2c)];

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

/**
 * The seed inside `ur:seed/…`, or `ur:crypto-seed/…` as older programs write it; quotation marks, spaces and line breaks do not
 * matter; name, note and date in it are passed over.
 * @throws EncodingError `SEED_UR_INVALID`
 */
export function urToSeed(text: Secret<string>): Secret<Uint8Array> {
  const typed = reveal(text, 'reading the seed from ur:seed').replaceAll(/[^A-Za-z0-9:/-]+/g, '');
  const cbor = parseSeedUr(typed);
  const map = untagged(cbor);
  const entries = map[0]!;
  const isSeed =
    entries >= MAP_OF_ONE && entries <= MAP_OF_FOUR && PAYLOAD.every((byte, i) => map[1 + i] === byte);
  if (!isSeed) throw invalid('it does not hold 32 bytes');
  const seed = map.slice(HEAD_BYTES, HEAD_BYTES + SEED_BYTES);
  cbor.fill(0);
  return secret(seed);
}

function untagged(cbor: Uint8Array): Uint8Array {
  const tag = TAGS.find((bytes) => bytes.every((byte, i) => cbor[i] === byte));
  return tag === undefined ? cbor : cbor.subarray(tag.length);
}

function parseSeedUr(text: string): Uint8Array {
  try {
    const { type, cbor } = parseUr(text, undefined, { maxBytes: 1024, maxDepth: 4 });
    if (TYPES.includes(type)) return cbor;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
  }
  // Without a cause, which could quote what was typed.
  throw invalid('it cannot be read');
}

function invalid(why: string): EncodingError {
  return new EncodingError(`this is not an owner seed as ur:seed: ${why}`, {
    code: 'SEED_UR_INVALID',
    hint: 'copy the whole line again, from ur:seed/ to its end',
  });
}
