import { equalBytes } from '@ckm/foundation';
import type { Group, Scalar } from '../../group/group.js';
import { challengeOf, compositeWeights } from './challenge.js';
import { type EqualLogsStatement, isWellFormed } from './statement.js';

/**
 * Whether `proof` holds for the statement. False for anything malformed: no pairs, an identity, a scalar that is not
 * canonical, a wrong length.
 * Source: RFC 9497 §2.2.2 (VerifyProof)
 */
export function verifyEqualLogs(group: Group, statement: EqualLogsStatement, proof: Uint8Array): boolean {
  if (!isWellFormed(group, statement)) return false;
  const parsed = parseProof(group, proof);
  if (parsed === undefined) return false;
  const { challenge, response } = parsed;
  const { context, publicElement, pairs } = statement;
  const weights = compositeWeights(group, statement);
  const inputs = pairs.map((pair) => pair.input);
  const outputs = pairs.map((pair) => pair.output);
  const [input, output] = [group.msm(inputs, weights), group.msm(outputs, weights)];
  const commitments = [
    group.msm([group.generator, publicElement], [response, challenge]),
    group.msm([input, output], [response, challenge]),
  ];
  const elements = [publicElement, input, output, ...commitments];
  if (elements.some((element) => group.isIdentity(element))) return false;
  return equalBytes(challengeOf(group, context, elements), challenge);
}

function parseProof(group: Group, proof: Uint8Array): { challenge: Scalar; response: Scalar } | undefined {
  if (proof.length !== 64) return undefined;
  try {
    return {
      challenge: group.scalars.parse(proof.subarray(0, 32)),
      response: group.scalars.parse(proof.subarray(32)),
    };
  } catch {
    return undefined;
  }
}
