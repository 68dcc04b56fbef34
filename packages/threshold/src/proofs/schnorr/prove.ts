import { concatBytes } from '@ckm/foundation';
import type { Group, SecretScalar } from '../../group/group.js';
import { taggedHash64 } from '../../hash/index.js';
import { assertFresh } from '../fresh.js';
import { challengeOf } from './challenge.js';
import { encodeStatement, type KnowledgeStatement } from './statement.js';

/**
 * Proof of knowledge of x: commitment R = r·G, response z = r + c·x; encoded R ‖ z, one element and 32 bytes.
 * @param secret x, with statement.publicElement = x·G
 * @param fresh 32 random bytes, used for this proof only
 * @throws UsageError `RANDOMNESS_INVALID`, `ELEMENT_IDENTITY`
 * Source: Schnorr 1989; the one-time scalar is hedged as in RFC 9591 §4.1
 */
export function proveKnowledge(
  group: Group,
  statement: KnowledgeStatement,
  secret: SecretScalar,
  fresh: Uint8Array,
): Uint8Array {
  assertFresh(fresh);
  const { scalars } = group;
  const encoded = encodeStatement(group, statement);
  const wide = taggedHash64('CKM/schnorr/nonce/v1', secret, fresh, ...encoded);
  const nonce = scalars.reduceSecret(wide);
  const commitment = group.encode(group.mulBase(nonce));
  const challenge = challengeOf(group, encoded, commitment);
  const product = scalars.multiply(challenge, secret);
  const response = scalars.add(nonce, product);
  for (const bytes of [wide, nonce, product]) bytes.fill(0);
  return concatBytes(
    commitment,
    scalars.publish(response, 'response of a proof, masked by its one-time scalar'),
  );
}
