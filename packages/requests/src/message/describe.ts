import type { Description, KeyContext } from '../kind.js';
import { BLIND_WARNING, contentRow, readableText } from '../text/content.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, plural, quoteText } from '../text/quote.js';
import type { MessageRequest } from './parse.js';

export function describeMessage(typed: MessageRequest, key: KeyContext): Description {
  const text = readableText(typed.bytes);
  const digest = describeDigest(typed.bytes);
  const scope = typed.domain === '' ? 'as it is, without a domain,' : `in the domain ${typed.domain}`;
  const content =
    text === null
      ? `${plural(typed.bytes.length, 'byte')} that cannot be described (${digest}) — blind signing —`
      : `the message ${quoteText(text)}`;
  return {
    sentence: `Sign ${content} ${scope} with ${keyName(key)}`,
    rows: [
      { label: 'Domain', value: typed.domain === '' ? 'none' : typed.domain },
      contentRow('Message', typed.bytes, text),
      { label: 'Digest', value: digest },
    ],
    warnings: text === null ? [BLIND_WARNING] : [],
    blind: text === null,
  };
}
