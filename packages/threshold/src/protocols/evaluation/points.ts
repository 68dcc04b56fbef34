import { groupNamed } from '../../group/index.js';
import { pointOfLabel } from './derive.js';
import { type Evaluation, type EvaluationMode } from './evaluation.js';
import { decodeX25519 } from './x25519.js';

/**
 * The evaluation that is asked for by bytes: labels for `derive`, encoded elements for `blind`, keys of X25519 for `open`.
 * @throws EncodingError `ELEMENT_INVALID`, `POINT_REFUSED`
 */
export function evaluationAt(
  keyId: Uint8Array,
  mode: EvaluationMode,
  inputs: readonly Uint8Array[],
): Evaluation {
  const decode = {
    derive: (input: Uint8Array) => pointOfLabel(keyId, input),
    blind: (input: Uint8Array) => groupNamed('ristretto255').decode(input),
    open: decodeX25519,
  }[mode];
  return { mode, points: inputs.map(decode) };
}
