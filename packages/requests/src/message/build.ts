import { lengthPrefixed } from '../wire/bytes.js';
import { encodePayload } from '../wire/payload.js';
import { assertDomain, assertRawMessage, type MessageRequest } from './parse.js';

/**
 * The payload of a message request. With the empty domain the exact bytes are signed, which is refused where they
 * could be a statement in another protocol.
 * @throws EncodingError `MESSAGE_DOMAIN_INVALID`, `MESSAGE_IS_BARE_DIGEST`, `MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL`
 */
export function buildMessageRequest({ domain, bytes }: MessageRequest): Uint8Array {
  assertDomain(domain);
  if (domain === '') assertRawMessage(bytes);
  return encodePayload(lengthPrefixed(domain), lengthPrefixed(bytes));
}
