import { readUtf8 } from '@ckm/foundation';
import type { DescriptionRow } from '../kind.js';
import { isReadable, plural, quoteText } from './quote.js';

/** The text in these bytes when a person can read it as it is, else `null`. */
export function readableText(bytes: Uint8Array): string | null {
  const text = readUtf8(bytes);
  return text !== null && isReadable(text) ? text : null;
}

/** Bytes as a table row: the text, else that there is none. */
export function contentRow(label: string, bytes: Uint8Array, text: string | null): DescriptionRow {
  if (text === null) return { label, value: plural(bytes.length, 'byte'), note: 'not text' };
  return { label, value: quoteText(text, 2000), note: plural(bytes.length, 'byte') };
}

/** The warning every request carries whose content nobody can read. */
export const BLIND_WARNING = {
  code: 'BLIND_SIGNING',
  text: 'the content cannot be described: whoever made it decides what is signed',
} as const;
