import { CkmError } from '@ckm/foundation';
import {
  type Data,
  decodeData,
  type DecodeLimits,
  encodeData,
  formatEnvelopeUr,
  leaf,
  leafValue,
  parseEnvelopeUr,
} from '@ckm/gordian';

/** Something that two people hand to each other, as text. */
export interface Paper {
  /** `ur:envelope/…` */
  readonly text: string;
  /** 32 bytes: the likeness of this is what they compare. */
  readonly digest: Uint8Array;
}

/** dCBOR in a leaf. */
export function writePaper(content: { readonly [member: string]: Data }): Paper {
  const envelope = leaf(encodeData(content));
  return { text: formatEnvelopeUr(envelope), digest: envelope.digest };
}

/** CBOR major type 2. Source: RFC 8949 §3.1 */
const BYTES = 2;

/**
 * What {@link writePaper} wrote, whatever blanks stand around it; what is in it is yet to be read.
 * @returns null: it is damaged, or something else
 */
export function readPaper(
  text: string,
  limits: DecodeLimits,
): { readonly content: Data; readonly digest: Uint8Array } | null {
  try {
    const envelope = parseEnvelopeUr(text.trim());
    const value = leafValue(envelope);
    if (value.type !== BYTES) return null;
    return { content: decodeData(value.value, limits), digest: envelope.digest };
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
