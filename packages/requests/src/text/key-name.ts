import type { KeyContext } from '../kind.js';
import { escapeText, quoteText } from './quote.js';

const LONGEST = 64;

/** The key as a sentence calls it: its name where it is known, else `this key`. */
export function keyName({ name }: KeyContext): string {
  if (name === undefined || name === '') return 'this key';
  const shown = escapeText(name);
  return shown.length <= LONGEST ? shown : quoteText(name, LONGEST / 2);
}
