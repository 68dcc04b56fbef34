import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { lengthPrefixed } from '../wire/bytes.js';

/** First bytes of every message signed with a domain; no raw message may start with it. */
export const DOMAIN_PREFIX = 'CKM signed message v1\n';

/**
 * The bytes that are signed. Without a domain: the message. With one: the prefix, then domain and message, each with
 * its length, so that no two requests sign the same bytes.
 */
export function messageToSign({
  domain,
  bytes,
}: {
  readonly domain: string;
  readonly bytes: Uint8Array;
}): Uint8Array {
  if (domain === '') return bytes;
  return concatBytes(encodeUtf8(DOMAIN_PREFIX), lengthPrefixed(domain), lengthPrefixed(bytes));
}
