import { verifySignature } from '@ckm/threshold';
import type { KeyContext } from '../kind.js';
import type { TaskResult } from '../task.js';
import { theOneSignature } from '../verify/one-signature.js';
import { messageToSign } from './domain.js';
import type { MessageRequest } from './parse.js';

/** The signature itself. @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID` */
export function finishMessage(
  typed: MessageRequest,
  key: KeyContext,
  results: readonly TaskResult[],
): Uint8Array {
  return theOneSignature(key, messageToSign(typed), results).slice();
}

/** Whether it is the key's signature of just this message in just this domain. */
export function verifyMessage(typed: MessageRequest, key: KeyContext, artefact: Uint8Array): boolean {
  return verifySignature(key.suite, key.public.groupKey, messageToSign(typed), artefact);
}
