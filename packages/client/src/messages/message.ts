import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest, messageToSign, verifySignature } from '@ckm/requests';
import type { PublicKeyPackage } from '@ckm/threshold';
import type { SignArgs } from '../signing/sign-args.js';

/** What the command `ckm sign` takes where nobody names another. */
const DEFAULT_DOMAIN = 'ckm';

export interface MessageOptions {
  /**
   * What the message belongs to; it is signed with it, so that a signature for one purpose is none for another. Default: `ckm`.
   * Empty: the exact bytes are signed, which is refused where they could be a statement in another protocol.
   */
  readonly domain?: string;
}

/**
 * A message as {@link Client.prepare} and {@link Client.sign} take it: `client.sign({ key: 'notes', ...message('hello') })`.
 * @param content text, or bytes; bytes that are no text are told by length and digest, and without a domain are signed blind, where
 * the key allows that
 * @throws EncodingError `MESSAGE_DOMAIN_INVALID`, `MESSAGE_IS_BARE_DIGEST`, `MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL`,
 * `TEXT_INCOMPLETE`
 */
export function message(
  content: string | Uint8Array,
  { domain = DEFAULT_DOMAIN }: MessageOptions = {},
): Pick<SignArgs, 'kind' | 'payload'> {
  return { kind: 'message', payload: buildMessageRequest({ domain, bytes: bytesOf(content) }) };
}

/**
 * Whether a key signed this message in this domain. Needs no client and no server, only the public half of the key.
 * @param key `public` of a key, or its suite and public key as somebody else told them
 * @throws EncodingError `TEXT_INCOMPLETE` for a text that no bytes stand for
 */
export function verifyMessage(
  key: Pick<PublicKeyPackage, 'suite' | 'groupKey'>,
  content: string | Uint8Array,
  signature: Uint8Array,
  { domain = DEFAULT_DOMAIN }: MessageOptions = {},
): boolean {
  return verifySignature(
    key.suite,
    key.groupKey,
    messageToSign({ domain, bytes: bytesOf(content) }),
    signature,
  );
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? encodeUtf8(content) : content;
}
