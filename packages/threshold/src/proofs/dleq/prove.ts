import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import type { Group, SecretScalar } from '../../group/group.js';
import { taggedHash64 } from '../../hash/index.js';
import { assertFresh } from '../fresh.js';
import { challengeOf, compositeWeights } from './challenge.js';
import { assertWellFormed, type EqualLogsStatement } from './statement.js';

/**
 * Proof (challenge ‖ response, 64 bytes) that one secret lies behind the public element and every pair.
 * @param secret k
 * @param fresh 32 random bytes, used for this proof only: the same one-time scalar under two challenges reveals k
 * @throws UsageError `STATEMENT_INVALID`, `RANDOMNESS_INVALID`
 * Source: RFC 9497 §2.2.1; the one-time scalar is hedged where the RFC draws it at random
 */
export function proveEqualLogs(
  group: Group,
  statement: EqualLogsStatement,
  secret: SecretScalar,
  fresh: Uint8Array,
): Uint8Array {
  assertFresh(fresh);
  assertWellFormed(group, statement);
  const elements = [
    statement.publicElement,
    ...statement.pairs.flatMap(({ input, output }) => [input, output]),
  ];
  const wide = taggedHash64(
    'CKM/dleq/nonce/v1',
    encodeUtf8(group.name),
    secret,
    fresh,
    statement.context,
    ...elements.map((element) => group.encode(element)),
  );
  const nonce = group.scalars.reduceSecret(wide);
  const proof = unsafeProveEqualLogs(group, statement, secret, nonce);
  wide.fill(0);
  nonce.fill(0);
  return proof;
}

/** As {@link proveEqualLogs} with a given one-time scalar, as published test vectors have it; for nothing else. */
export function unsafeProveEqualLogs(
  group: Group,
  statement: EqualLogsStatement,
  secret: SecretScalar,
  nonce: SecretScalar,
): Uint8Array {
  const { scalars } = group;
  const { context, publicElement, pairs } = statement;
  const weights = compositeWeights(group, statement);
  const input = group.msm(
    pairs.map((pair) => pair.input),
    weights,
  );
  const output = group.mulSecret(input, secret);
  const commitments = [group.mulBase(nonce), group.mulSecret(input, nonce)];
  const challenge = challengeOf(group, context, [publicElement, input, output, ...commitments]);
  const product = scalars.multiply(challenge, secret);
  const response = scalars.subtract(nonce, product);
  product.fill(0);
  return concatBytes(
    challenge,
    scalars.publish(response, 'response of a proof, masked by its one-time scalar'),
  );
}
