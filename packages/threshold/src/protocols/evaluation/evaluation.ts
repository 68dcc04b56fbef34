import { concatBytes, EncodingError, encodeUtf8, UsageError } from '@ckm/foundation';
import type { Element, Group, GroupName } from '../../group/group.js';
import type { EqualLogsStatement } from '../../proofs/index.js';
import { voprfContext } from '../../proofs/index.js';

/**
 * What a key is evaluated for. `derive`: a label that the servers see becomes 32 bytes that they do not. `blind`: they see
 * neither (RFC 9497). `open`: a Diffie–Hellman value with a key of X25519. One key serves one of them and nothing else.
 */
export type EvaluationMode = 'derive' | 'blind' | 'open';

/** The only group of each mode. */
export const EVALUATION_GROUPS = {
  derive: 'ristretto255',
  blind: 'ristretto255',
  open: 'ed25519',
} as const satisfies Record<EvaluationMode, GroupName>;

/** What one request asks of a key: k·P for each of its points P, which are public to the servers. */
export interface Evaluation {
  readonly mode: EvaluationMode;
  /** 1 to {@link MOST_POINTS}, none of them the identity, all of one request. */
  readonly points: readonly Element[];
}

/** Points of one request: what somebody has to read before saying yes to it. */
export const MOST_POINTS = 16;

/**
 * The statement that a server proves of its outputs.
 * @param publicShare Y of its slot, out of the certificate and never out of an answer
 */
export function statementOf(
  { mode, points }: Evaluation,
  publicShare: Element,
  outputs: readonly Element[],
): EqualLogsStatement {
  return {
    context: contextOf(mode),
    publicElement: publicShare,
    pairs: points.map((input, i) => ({ input, output: outputs[i]! })),
  };
}

/** RFC 9497's own for `blind`, so that its vectors hold; the others are apart from it and from each other. */
function contextOf(mode: EvaluationMode): Uint8Array {
  if (mode === 'blind') return voprfContext('ristretto255');
  return concatBytes(encodeUtf8('CKM-DLEQ-v1-'), encodeUtf8(`${mode}-${EVALUATION_GROUPS[mode]}`));
}

/** @throws UsageError `EVALUATION_INVALID` for a wrong group, no point, too many of them, or the identity */
export function assertEvaluation(group: Group, { mode, points }: Evaluation): void {
  const isCounted = points.length >= 1 && points.length <= MOST_POINTS;
  if (group.name === EVALUATION_GROUPS[mode] && isCounted && !points.some((p) => group.isIdentity(p))) return;
  throw new UsageError(`this cannot be evaluated to ${mode}`, {
    code: 'EVALUATION_INVALID',
    hint: `pass 1 to ${MOST_POINTS} elements of ${EVALUATION_GROUPS[mode]}, none of them the identity`,
  });
}

export function partyUnknown(slot: number): EncodingError {
  return new EncodingError(`the key has no slot ${slot}`, {
    code: 'PARTY_UNKNOWN',
    hint: 'name a server of this epoch of the key',
    facts: { slot },
  });
}
