import { encodeUtf8, isStorable } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { demand, refusal } from '../errors.js';

/**
 * What is derived for: a closed list that commands choose from and people never type, so that a secret that was shown for one
 * purpose is never the key of another (amendments S3).
 */
export const DERIVED_FOR = ['secret'] as const;

export type DerivedFor = (typeof DERIVED_FOR)[number];

/** What a derived secret is called. Two labels are never written alike. */
export interface Label {
  readonly purpose: DerivedFor;
  /** 1 to 16, whole: `backup` and `backup2` have nothing to do with each other. */
  readonly parts: readonly string[];
}

const MOST_PARTS = 16;
const MAX_PART_BYTES = 128;
/** All parts together. */
const MAX_LABEL_BYTES = 1_024;
/** Longest encoding: the parts, the purpose, and three bytes before each. */
export const MAX_ENCODED_LABEL_BYTES = MAX_LABEL_BYTES + 128;

/**
 * The one spelling of a label: a dCBOR array of its purpose and its parts.
 * @throws EncodingError `LABEL_INVALID`
 */
export function encodeLabel({ purpose, parts }: Label): Uint8Array {
  assertParts(parts);
  return encodeData([purpose, ...parts]);
}

/**
 * Reads a label and writes it again: whatever is spelled otherwise is refused, and nothing is put right.
 * @throws EncodingError `LABEL_INVALID`, `PAYLOAD_MALFORMED`
 */
export function decodeLabel(bytes: Uint8Array): Label {
  const [purpose, ...parts] = textsIn(bytes);
  const known = DERIVED_FOR.find((name) => name === purpose);
  demand(known !== undefined, 'LABEL_INVALID', 'the label is for a purpose that is not known here');
  const label = { purpose: known, parts };
  const written = encodeLabel(label);
  const isSame = written.length === bytes.length && written.every((byte, i) => byte === bytes[i]);
  demand(isSame, 'PAYLOAD_MALFORMED', 'the label is not written in its one way');
  return label;
}

/** `backup/nas`: what people type and read. @throws EncodingError `LABEL_INVALID` */
export function parseLabel(text: string): Label {
  const parts = text.split('/');
  assertParts(parts);
  return { purpose: 'secret', parts };
}

export function formatLabel({ parts }: Label): string {
  return parts.join('/');
}

function textsIn(bytes: Uint8Array): readonly string[] {
  demand(bytes.length <= MAX_ENCODED_LABEL_BYTES, 'PAYLOAD_TOO_LARGE', 'the label is too long');
  try {
    const data = decodeData(bytes);
    if (Array.isArray(data) && data.every((item) => typeof item === 'string')) return data;
  } catch {
    // One message for whatever is no label.
  }
  throw refusal('PAYLOAD_MALFORMED', 'this is no label');
}

/**
 * Refused rather than put right: what one program normalises another does not, and the same words would give two secrets.
 * @throws EncodingError `LABEL_INVALID`
 */
function assertParts(parts: readonly string[]): void {
  const invalid = (ok: boolean, why: string) => demand(ok, 'LABEL_INVALID', `the label ${why}`);
  invalid(parts.length >= 1 && parts.length <= MOST_PARTS, `does not have 1 to ${MOST_PARTS} parts`);
  let total = 0;
  for (const part of parts) {
    invalid(isStorable(part), 'has letters that do not show, or that not every machine knows');
    const { length } = encodeUtf8(part);
    total += length;
    invalid(length >= 1, 'has an empty part: no slash at either end, and none twice');
    invalid(length <= MAX_PART_BYTES, `has a part of more than ${MAX_PART_BYTES} bytes`);
    invalid(!part.includes('/'), 'has a slash inside a part');
    invalid(
      part === part.normalize('NFC'),
      'is not in the form NFC, in which each letter is written one way',
    );
  }
  invalid(total <= MAX_LABEL_BYTES, `has more than ${MAX_LABEL_BYTES} bytes`);
}
