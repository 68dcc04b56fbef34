import type { Description, DescriptionRow, KeyContext } from '../kind.js';
import { BLIND_WARNING, contentRow, readableText } from '../text/content.js';
import { bareFileName, exactSize, roundedSize } from '../text/file-words.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, plural, quoteText } from '../text/quote.js';
import type { MessageRequest } from './parse.js';

/**
 * Text is read aloud. Anything else is a file, told by its length and digest: in a domain its signature means nothing to
 * other protocols, so whoever knows the file knows what was signed. Without a domain it could be anything, and is blind.
 */
export function describeMessage(typed: MessageRequest, key: KeyContext): Description {
  const text = readableText(typed.bytes);
  const hasDomain = typed.domain !== '';
  const scope = hasDomain ? `in the domain ${typed.domain}` : 'as it is, without a domain,';
  const blind = text === null && !hasDomain;
  const isFile = text === null && hasDomain;
  return {
    sentence: `Sign ${contentOf(typed, text, key)} ${scope} with ${keyName(key)}`,
    rows: [
      { label: 'Domain', value: hasDomain ? typed.domain : 'none' },
      isFile ? fileRow(typed, key) : contentRow('Message', typed.bytes, text),
      digestRow(typed, text),
    ],
    warnings: blind ? [BLIND_WARNING] : [],
    blind,
  };
}

function contentOf({ domain, bytes }: MessageRequest, text: string | null, key: KeyContext): string {
  if (text !== null) return `the message ${quoteText(text)}`;
  const digest = describeDigest(bytes);
  if (domain !== '') return `${fileOf(bytes, key)}, ${digest},`;
  return `${plural(bytes.length, 'byte')} that cannot be described (${digest}) — blind signing —`;
}

/** By the name that its owner typed, where that is known: it is not in the bytes, so no server could vouch for it. */
function fileOf({ length }: Uint8Array, { fileName }: KeyContext): string {
  return fileName === undefined
    ? `a file of ${exactSize(length)}`
    : `the file ${bareFileName(fileName)}, ${roundedSize(length)}`;
}

function fileRow({ bytes }: MessageRequest, { fileName }: KeyContext): DescriptionRow {
  const size = plural(bytes.length, 'byte');
  const label = 'File';
  return fileName === undefined
    ? { label, value: size, note: 'not text' }
    : { label, value: bareFileName(fileName), note: `${size}, not text` };
}

function digestRow({ bytes }: MessageRequest, text: string | null): DescriptionRow {
  const row = { label: 'Digest', value: describeDigest(bytes) };
  return text === null ? { ...row, note: 'sha256sum shows the same, without blanks' } : row;
}
