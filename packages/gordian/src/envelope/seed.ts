import { EncodingError } from '@ckm/foundation';
import { cbor, decodeCanonical, encodeCanonical, MAJOR, taggedValue, type Cbor } from '../cbor/dcbor.js';
import { TAG } from '../cbor/tags.js';
import { formatUr, parseUr } from '../cbor/ur.js';
import { leaf, type Envelope, type LeafEnvelope } from './envelope.js';
import { bytesFrom, leafValue, subjectOf } from './queries.js';

/** Where the bytes of a seed stand in its map. Source: BCR-2020-006 */
const PAYLOAD = 1;
const TAGS: readonly unknown[] = [TAG.seed, TAG.seedV1];

/**
 * A secret as other Gordian tools keep one: `seed` with its bytes and nothing else. The caller wipes the bytes of the leaf.
 * Source: BCR-2020-006
 */
export function seedLeaf(bytes: Uint8Array): LeafEnvelope {
  return leaf(taggedValue(TAG.seed, mapOf(bytes)));
}

function mapOf(bytes: Uint8Array): Cbor {
  return { type: MAJOR.map, value: [[cbor(PAYLOAD), cbor(bytes)]] };
}

/** `ur:seed/…` of bytes of any length, which other Gordian tools read. Secrecy: as the bytes. Source: BCR-2020-006 */
export function formatSeedUr(bytes: Uint8Array): string {
  return formatUr({ type: 'seed', cbor: encodeCanonical(mapOf(bytes)) });
}

/** What a seed is called today, and was until 2022. */
const TYPES = ['seed', 'crypto-seed'];
const LIMITS = { maxBytes: 1024, maxDepth: 4 };

/**
 * A copy of the bytes in `ur:seed/…`, or `ur:crypto-seed/…`; name, note and date are passed over. Null: it is something else.
 * @throws EncodingError `UR_INVALID`
 */
export function seedInUr(text: string): Uint8Array | null {
  const { type, cbor: bytes } = parseUr(text, undefined, LIMITS);
  if (!TYPES.includes(type)) return null;
  const item = decodeCanonical(bytes, LIMITS);
  const payload = payloadIn(item) ?? payloadInMap(item);
  return payload?.type === MAJOR.bytes ? payload.value.slice() : null;
}

/**
 * A copy of the bytes of the seed that an envelope is about, wrapped or not; its name, note and date are passed over.
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED`
 */
export function seedInEnvelope(envelope: Envelope): Uint8Array {
  const subject = subjectOf(envelope);
  if (subject.kind === 'wrapped') return seedInEnvelope(subject.envelope);
  const payload = payloadIn(leafValue(subject));
  if (payload === null) {
    throw new EncodingError('a seed was expected in an envelope', {
      code: 'ENVELOPE_LEAF_EXPECTED',
      hint: 'check which kind of document this is',
    });
  }
  return bytesFrom(payload);
}

function payloadIn(item: Cbor): Cbor | null {
  return item.type === MAJOR.tag && TAGS.includes(item.tag) ? payloadInMap(item.value) : null;
}

function payloadInMap(map: Cbor): Cbor | null {
  if (map.type !== MAJOR.map) return null;
  return map.value.find(([key]) => key.type === MAJOR.unsigned && key.value === PAYLOAD)?.[1] ?? null;
}
