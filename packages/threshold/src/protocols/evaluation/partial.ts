import { concatBytes, type Secret } from '@ckm/foundation';
import type { Element } from '../../group/group.js';
import {
  certifiedShare,
  groupOfEpoch,
  openCertifiedShare,
  type PublicEpoch,
} from '../../key/certified-epoch.js';
import { proveEqualLogs, verifyEqualLogs } from '../../proofs/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { assertEvaluation, type Evaluation, statementOf } from './evaluation.js';

const PROOF_LENGTH = 64;

/**
 * One server's part: share·P for each point, and one proof that this was done with the share that is certified for its slot.
 * Secret: a quorum of them is the result, so that it is sealed to whoever asked.
 * @param fresh 32 random bytes, used for this answer only
 * @returns the encoded outputs one after the other, then challenge ‖ response: 32·n + 64 bytes
 * @throws StorageError `SHARE_NOT_CERTIFIED` · UsageError `EVALUATION_INVALID`, `RANDOMNESS_INVALID` ·
 * EncodingError `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID`
 * Source: Naor, Pinkas and Reingold 1999, figure 3, for `derive`; RFC 9497 §3.3.2 (BlindEvaluate) for all
 */
export function evaluateShare(
  key: PublicEpoch,
  slot: PartyIndex,
  evaluation: Evaluation,
  share: Secret<Uint8Array>,
  fresh: Uint8Array,
): Uint8Array {
  const group = groupOfEpoch(key);
  assertEvaluation(group, evaluation);
  const scalar = openCertifiedShare(key, slot, share);
  try {
    const outputs = evaluation.points.map((point) => group.mulSecret(point, scalar));
    const statement = statementOf(evaluation, certifiedShare(key, slot), outputs);
    const proof = proveEqualLogs(group, statement, scalar, fresh);
    return concatBytes(...outputs.map((output) => group.encode(output)), proof);
  } finally {
    scalar.fill(0);
  }
}

/**
 * The outputs of a server's answer, or undefined unless every one of them is its certified share times its point. An output
 * that is not in the prime-order group is refused before the proof is looked at: with a multiple of 8 as factor the proof
 * would hold all the same (amendments S14).
 * @param key of a certificate that was verified
 * @throws UsageError `EVALUATION_INVALID` · EncodingError `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID`, for the question alone
 * Source: RFC 9497 §2.2.2 (VerifyProof)
 */
export function openPartial(
  key: PublicEpoch,
  slot: PartyIndex,
  evaluation: Evaluation,
  partial: Uint8Array,
): readonly Element[] | undefined {
  const group = groupOfEpoch(key);
  assertEvaluation(group, evaluation);
  const publicShare = certifiedShare(key, slot);
  const length = group.elementByteLength * evaluation.points.length;
  if (!(partial instanceof Uint8Array) || partial.length !== length + PROOF_LENGTH) return undefined;
  const outputs = decodeOutputs(key, partial.subarray(0, length));
  if (outputs === undefined) return undefined;
  const statement = statementOf(evaluation, publicShare, outputs);
  return verifyEqualLogs(group, statement, partial.subarray(length)) ? outputs : undefined;
}

function decodeOutputs(key: PublicEpoch, bytes: Uint8Array): readonly Element[] | undefined {
  const group = groupOfEpoch(key);
  const { elementByteLength } = group;
  const outputs: Element[] = [];
  try {
    for (let at = 0; at < bytes.length; at += elementByteLength)
      outputs.push(group.decode(bytes.subarray(at, at + elementByteLength)));
  } catch {
    return undefined;
  }
  return outputs;
}
