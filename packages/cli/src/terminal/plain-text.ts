import { toShowable } from '@ckm/foundation';

/** Text that came from elsewhere, safe to show on a terminal as part of one line. */
export function plainText(text: string): string {
  return toShowable(text);
}

/** The same for text of several lines: line breaks stay. */
export function plainLines(text: string): string {
  return text.split(/\r?\n/).map(plainText).join('\n');
}
