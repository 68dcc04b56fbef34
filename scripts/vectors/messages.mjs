// Signed messages, with a domain and as they are.
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest, messageToSign } from '@ckm/requests';
import { signWith } from './signing.mjs';

const MESSAGES = [
  { domain: 'ckm', text: 'hello' },
  { domain: 'example.org/release', text: 'version 1.2 is good – says alice' },
  { domain: '', text: 'as it is' },
];

export function messageVectors(key) {
  return MESSAGES.map(({ domain, text }) => {
    const bytes = encodeUtf8(text);
    const signed = messageToSign({ domain, bytes });
    return {
      suite: key.suite,
      publicKey: key.public.groupKey,
      domain,
      text,
      payload: buildMessageRequest({ domain, bytes }),
      signed,
      signature: signWith(key, signed).signature,
    };
  });
}
