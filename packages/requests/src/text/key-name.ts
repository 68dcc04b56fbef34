import type { KeyContext } from '../kind.js';
import { escapeText } from './quote.js';

const MAX_NAME = 64;

/** The key as a sentence calls it: its name where it is known, else `this key`. */
export function keyName(key: KeyContext): string {
  if (key.name === undefined || key.name === '') return 'this key';
  const characters = Array.from(key.name);
  const shown = escapeText(characters.slice(0, MAX_NAME).join(''));
  return characters.length > MAX_NAME ? `${shown}…` : shown;
}
