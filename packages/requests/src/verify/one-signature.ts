import { demand } from '../errors.js';
import type { KeyContext } from '../kind.js';
import type { TaskResult } from '../task.js';
import { verifySignature } from '@ckm/threshold';

/**
 * The one signature of a request that has one task, checked under the untweaked key.
 * @throws EncodingError `SIGNATURE_COUNT_WRONG`, `SIGNATURE_INVALID`
 */
export function theOneSignature(
  key: KeyContext,
  message: Uint8Array,
  results: readonly TaskResult[],
): Uint8Array {
  const [result] = results;
  demand(
    result?.craft === 'frost' && results.length === 1,
    'SIGNATURE_COUNT_WRONG',
    'the request has one task, but another number of signatures came',
  );
  demand(
    verifySignature(key.suite, key.public.groupKey, message, result.signature),
    'SIGNATURE_INVALID',
    'the signature does not verify under the key',
  );
  return result.signature;
}
