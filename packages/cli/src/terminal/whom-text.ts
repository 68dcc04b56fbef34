import { type ProgressEvent, waitsText } from '@ckm/client';
import { plainText } from './plain-text.js';

/** For whom something waits: people by their names in the terms, operators by those of their servers. */
export function whomText({ waiting, people = [] }: Pick<ProgressEvent, 'waiting' | 'people'>): string {
  if (people.length > 0) return plainText(waitsText(people));
  return `the operators of ${waiting.map(plainText).join(', ')}`;
}
