import { decodeUtf8 } from '@ckm/foundation';
import { demand } from '../errors.js';
import { readPayload } from '../wire/payload.js';
import { anotherProtocol } from './foreign-preimages.js';

/** A message to sign, whole. With the empty domain it is signed as it is. */
export interface MessageRequest {
  /** Names the application; keeps its signatures from meaning anything to another. */
  readonly domain: string;
  readonly bytes: Uint8Array;
}

export const MESSAGE_MAX_BYTES = 1_048_576;
const DOMAIN = /^[A-Za-z0-9._/:@+-]{1,64}$/;

/** @throws EncodingError `MESSAGE_DOMAIN_INVALID` */
export function assertDomain(domain: string): void {
  demand(
    domain === '' || DOMAIN.test(domain),
    'MESSAGE_DOMAIN_INVALID',
    'the domain of the message is not valid',
  );
}

/** The rule for messages without a domain. @throws EncodingError */
export function assertRawMessage(bytes: Uint8Array): void {
  demand(
    bytes.length !== 32,
    'MESSAGE_IS_BARE_DIGEST',
    'a message of 32 bytes could be the digest of anything',
  );
  const protocol = anotherProtocol(bytes);
  demand(
    protocol === null,
    'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    `signed as it is, this message would mean something elsewhere: ${protocol}`,
  );
}

/**
 * Payload: version 1, then domain and message, each length-prefixed.
 * @throws EncodingError
 */
export function parseMessage(payload: Uint8Array): MessageRequest {
  const reader = readPayload(payload, MESSAGE_MAX_BYTES);
  const domainBytes = reader.prefixed(64);
  const bytes = reader.prefixed(MESSAGE_MAX_BYTES);
  reader.end();
  demand(
    domainBytes.every((byte) => byte < 0x80),
    'MESSAGE_DOMAIN_INVALID',
    'the domain of the message is not valid',
  );
  const domain = decodeUtf8(domainBytes);
  assertDomain(domain);
  if (domain === '') assertRawMessage(bytes);
  return { domain, bytes };
}
