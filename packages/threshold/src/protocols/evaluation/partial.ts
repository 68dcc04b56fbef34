import { concatBytes, reveal } from '@ckm/foundation';
import type { Element, Group, SecretScalar } from '../../group/group.js';
import { groupNamed } from '../../group/index.js';
import { groupOfSuite } from '../../key/cocktail/suite-name.js';
import type { KeyShare, PublicKeyPackage } from '../../key/public-package.js';
import { proveEqualLogs, verifyEqualLogs } from '../../proofs/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { parsePartyIndex } from '../../sharing/index.js';
import { shareWrong } from '../frost/own-share.js';
import { assertEvaluation, type Evaluation, partyUnknown, statementOf } from './evaluation.js';

const PROOF_LENGTH = 64;

/**
 * One server's part: share·P for each point, and one proof that this was done with the share that is certified for its slot.
 * Secret: a quorum of them is the result, so that it is sealed to whoever asked.
 * @param fresh 32 random bytes, used for this answer only
 * @returns the encoded outputs one after the other, then challenge ‖ response: 32·n + 64 bytes
 * @throws BugError `SIGNATURE_SHARE_WRONG`: the share is not the certified one, or its owner’s own check of the answer failed · UsageError `EVALUATION_INVALID`, `RANDOMNESS_INVALID` ·
 * EncodingError `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID`
 * Source: Naor, Pinkas and Reingold 1999, figure 3, for `derive`; RFC 9497 §3.3.2 (BlindEvaluate) for all
 */
export function evaluateShare(key: KeyShare, evaluation: Evaluation, fresh: Uint8Array): Uint8Array {
  const group = groupOf(key.public);
  assertEvaluation(group, evaluation);
  const { scalar, publicShare } = openShare(group, key);
  try {
    const outputs = evaluation.points.map((point) => group.mulSecret(point, scalar));
    const statement = statementOf(evaluation, publicShare, outputs);
    const proof = proveEqualLogs(group, statement, scalar, fresh);
    const partial = concatBytes(...outputs.map((output) => group.encode(output)), proof);
    // One bit that flipped behind the look at the share would tell a bit of it to whoever asked, as often as he provokes it.
    if (openPartial(key.public, key.party, evaluation, partial) === undefined) throw shareWrong();
    return partial;
  } finally {
    scalar.fill(0);
  }
}

/**
 * The outputs of a server's answer, or undefined unless every one of them is its certified share times its point. An output
 * that is not in the prime-order group is refused before the proof is looked at: with a multiple of 8 as factor the proof
 * would hold all the same (amendments S14).
 * @param key as the certificate has it, which was verified
 * @throws UsageError `EVALUATION_INVALID` · EncodingError `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID`, for the question alone
 * Source: RFC 9497 §2.2.2 (VerifyProof)
 */
export function openPartial(
  key: PublicKeyPackage,
  slot: PartyIndex,
  evaluation: Evaluation,
  partial: Uint8Array,
): readonly Element[] | undefined {
  const group = groupOf(key);
  assertEvaluation(group, evaluation);
  const publicShare = publicShareOf(group, key, slot);
  const length = group.elementByteLength * evaluation.points.length;
  if (!(partial instanceof Uint8Array) || partial.length !== length + PROOF_LENGTH) return undefined;
  const outputs = decodeOutputs(group, partial.subarray(0, length));
  if (outputs === undefined) return undefined;
  const statement = statementOf(evaluation, publicShare, outputs);
  return verifyEqualLogs(group, statement, partial.subarray(length)) ? outputs : undefined;
}

/** The group of a key that is evaluated. */
export function groupOf({ suite }: PublicKeyPackage): Group {
  return groupNamed(groupOfSuite(suite));
}

/** Y of a slot, out of what is certified. @throws EncodingError `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID` */
function publicShareOf(group: Group, { verifyingShares }: PublicKeyPackage, slot: number): Element {
  const encoded = verifyingShares[parsePartyIndex(slot) - 1];
  if (encoded === undefined) throw partyUnknown(slot);
  return group.decode(encoded);
}

/**
 * The share of a server, known to be the certified one: one that was damaged in storage is used for nothing, or its owner would
 * be taken for a liar. The caller wipes it.
 */
function openShare(
  group: Group,
  { party, share, public: certified }: KeyShare,
): { readonly scalar: SecretScalar; readonly publicShare: Element } {
  const publicShare = publicShareOf(group, certified, party);
  const scalar = group.scalars.parseSecret(reveal(share, 'evaluate a key with its share'));
  if (group.equal(group.mulBase(scalar), publicShare)) return { scalar, publicShare };
  scalar.fill(0);
  throw shareWrong();
}

function decodeOutputs(group: Group, bytes: Uint8Array): readonly Element[] | undefined {
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
