import type { Description, DescriptionRow, KeyContext } from '../kind.js';
import { BLIND_WARNING, contentRow, readableText } from '../text/content.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, plural, quoteText } from '../text/quote.js';
import type { MessageRequest } from './parse.js';

/**
 * Text is read aloud. Anything else is a file, named by its length and digest: in a domain its signature means nothing to
 * other protocols, so whoever knows the file knows what was signed. Without a domain it could be anything, and is blind.
 */
export function describeMessage(typed: MessageRequest, key: KeyContext): Description {
  const text = readableText(typed.bytes);
  const hasDomain = typed.domain !== '';
  const scope = hasDomain ? `in the domain ${typed.domain}` : 'as it is, without a domain,';
  const blind = text === null && !hasDomain;
  return {
    sentence: `Sign ${contentOf(typed, text)} ${scope} with ${keyName(key)}`,
    rows: [
      { label: 'Domain', value: hasDomain ? typed.domain : 'none' },
      contentRow(text === null && hasDomain ? 'File' : 'Message', typed.bytes, text),
      digestRow(typed, text),
    ],
    warnings: blind ? [BLIND_WARNING] : [],
    blind,
  };
}

function contentOf({ domain, bytes }: MessageRequest, text: string | null): string {
  if (text !== null) return `the message ${quoteText(text)}`;
  const digest = describeDigest(bytes);
  if (domain !== '') return `a file of ${plural(bytes.length, 'byte')} (${digest})`;
  return `${plural(bytes.length, 'byte')} that cannot be described (${digest}) — blind signing —`;
}

function digestRow({ bytes }: MessageRequest, text: string | null): DescriptionRow {
  const row = { label: 'Digest', value: describeDigest(bytes) };
  return text === null ? { ...row, note: 'sha256sum shows the same, without blanks' } : row;
}
