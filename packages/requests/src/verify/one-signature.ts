import { demand } from '../errors.js';
import type { KeyContext } from '../kind.js';
import { verifySignature } from '@ckm/threshold';

/**
 * The one signature of a request that has one task, checked under the untweaked key.
 * @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID`
 */
export function theOneSignature(
  key: KeyContext,
  message: Uint8Array,
  signatures: readonly Uint8Array[],
): Uint8Array {
  const [signature] = signatures;
  demand(
    signature !== undefined && signatures.length === 1,
    'SIGNATURE_COUNT_WRONG',
    'the request has one task, but another number of signatures came',
  );
  demand(
    verifySignature(key.suite, key.public.groupKey, message, signature),
    'SIGNATURE_INVALID',
    'the signature does not verify under the key',
  );
  return signature;
}
