import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../../../docs/ceremonies.md');

/** A table as the documentation prints it, but for the width of its columns. */
export function asTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Words and what they mean, as the documentation lists them. */
export function asList(words: Readonly<Record<string, string>>): string {
  return Object.entries(words)
    .map(([word, meaning]) => `- **${word}**: ${meaning}`)
    .join('\n');
}

/** What somebody is told, in order. */
export function asCodes(codes: readonly string[]): string {
  return codes.map((code) => `\`${code}\``).join(', then ');
}

/** Which of these is not on the page, whatever the width of columns. */
export function missingOnPage(texts: readonly string[]): readonly string[] {
  const page = squeezed(readFileSync(PAGE, 'utf8'));
  return texts.filter((text) => !page.includes(squeezed(text)));
}

function squeezed(text: string): string {
  return text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---');
}
