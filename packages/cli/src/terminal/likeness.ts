import { type ColourDepth, formatWords, likenessOf, pictureText } from '@ckm/gordian';
import type { Terminal } from './terminal.js';

/** Name, words, digest and picture, in this order everywhere: what people compare. */
export function formatLikeness(terminal: Terminal, name: string, digest: Uint8Array): string {
  const likeness = likenessOf(digest);
  const picture = pictureText(likeness.picture, depthOf(terminal))
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  return `  ${terminal.style('bold', name)}   ${formatWords(likeness)}   ${likeness.digest}\n${picture}`;
}

function depthOf({ color, trueColor }: Terminal): ColourDepth {
  if (!color) return 'none';
  return trueColor ? 'all' : '256';
}

/** The same in one line, without the picture. */
export function likenessLine(digest: Uint8Array): string {
  const likeness = likenessOf(digest);
  return `${formatWords(likeness)} ${likeness.digest}`;
}

/** The same for machines. */
export function likenessObject(digest: Uint8Array): { readonly words: string; readonly digest: string } {
  const likeness = likenessOf(digest);
  return { words: formatWords(likeness), digest: likeness.digest };
}
