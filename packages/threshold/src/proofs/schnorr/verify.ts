import type { Group, Scalar } from '../../group/group.js';
import { challengeOf } from './challenge.js';
import { encodeStatement, type KnowledgeStatement } from './statement.js';

/**
 * Whether `proof` shows that the prover knows the statement's secret. False for anything malformed.
 * Computes z·G − c·P and compares encodings, so that the commitment need not be decoded.
 */
export function verifyKnowledge(group: Group, statement: KnowledgeStatement, proof: Uint8Array): boolean {
  const { scalars } = group;
  if (proof.length !== group.elementByteLength + scalars.byteLength) return false;
  if (group.isIdentity(statement.publicElement)) return false;
  const commitment = proof.slice(0, group.elementByteLength);
  const response = parseResponse(group, proof.slice(group.elementByteLength));
  if (response === undefined) return false;
  const challenge = challengeOf(group, encodeStatement(group, statement), commitment);
  return group.verify(statement.publicElement, challenge, response, commitment);
}

function parseResponse(group: Group, bytes: Uint8Array): Scalar | undefined {
  try {
    return group.scalars.parse(bytes);
  } catch {
    return undefined;
  }
}
