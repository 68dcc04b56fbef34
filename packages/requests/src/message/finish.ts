import type { KeyContext } from '../kind.js';
import { theOneSignature } from '../verify/one-signature.js';
import { messageToSign } from './domain.js';
import type { MessageRequest } from './parse.js';

/** The signature itself. @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID` */
export function finishMessage(
  typed: MessageRequest,
  key: KeyContext,
  signatures: readonly Uint8Array[],
): Uint8Array {
  return theOneSignature(key, messageToSign(typed), signatures).slice();
}
