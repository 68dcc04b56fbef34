import type { DescriptionRow, DescriptionWarning } from '../kind.js';
import { formatInstant } from '../text/instant.js';
import { isReadable, quoteText } from '../text/quote.js';
import type { GitEncoding } from './encoding.js';

/** The beginning of an object id, for a sentence. */
export function shortId(id: string): string {
  return `${id.slice(0, 12)}…`;
}

export function instantOf({ unixSeconds }: { readonly unixSeconds: number }): string {
  return formatInstant(unixSeconds) ?? `second ${unixSeconds}`;
}

/** How the texts above were read, where that is not as usual. */
export function encodingRows({ name, isCertain, asUtf8 }: GitEncoding): readonly DescriptionRow[] {
  if (!isCertain) return [{ label: 'Encoding', value: 'not named', note: `shown as ${name}` }];
  const named = name === 'UTF-8' ? [] : [{ label: 'Encoding', value: name }];
  return asUtf8 === null
    ? named
    : [...named, { label: 'As UTF-8', value: quoteText(asUtf8.trimEnd(), 2000) }];
}

/** What in these texts may show otherwise elsewhere. */
export function textWarnings(
  { name, isCertain, asUtf8 }: GitEncoding,
  texts: readonly string[],
): readonly DescriptionWarning[] {
  const warnings: DescriptionWarning[] = [];
  if (!texts.every(isReadable)) {
    const text = 'it holds characters that do not show, or that reorder the text; they are written out here';
    warnings.push({ code: 'HIDDEN_CHARACTERS', text });
  }
  if (!isCertain) {
    const text = `it names no encoding and is not UTF-8: it is shown as ${name}, and may show otherwise elsewhere`;
    warnings.push({ code: 'ENCODING_UNKNOWN', text });
  }
  if (asUtf8 !== null) {
    const text = `its bytes are UTF-8 as well, and say something else there: a program that does not read ${name} shows that`;
    warnings.push({ code: 'ENCODING_TWO_WAYS', text });
  }
  return warnings;
}
