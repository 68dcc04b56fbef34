import { randomBytes } from 'node:crypto';
import { encodeUtf8, UsageError } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import type { GroupName } from '../../group/group.js';
import { groupNamed, nobleGroup } from '../../group/index.js';
import { parsePartyIndex } from '../../sharing/index.js';
import { bytesOfInteger } from '../../group/test/backends.js';
import { type KnowledgeStatement, proveKnowledge, verifyKnowledge } from './index.js';

const NAMES: readonly GroupName[] = ['ed25519', 'ristretto255', 'secp256k1', 'P-256'];

describe.each(NAMES)('proof of knowledge over %s', (name) => {
  const group = groupNamed(name);
  const { scalars } = group;
  const secret = scalars.reduceSecret(randomBytes(64));
  const statement: KnowledgeStatement = {
    context: encodeUtf8('session 1'),
    prover: parsePartyIndex(7),
    publicElement: group.mulBase(secret),
  };
  const proof = proveKnowledge(group, statement, secret, randomBytes(32));
  const elementLength = group.elementByteLength;

  test('convinces, on every backend', () => {
    expect(proof).toHaveLength(elementLength + 32);
    expect(verifyKnowledge(group, statement, proof)).toBe(true);
    const other = nobleGroup(name);
    const publicElement = other.decode(group.encode(statement.publicElement));
    expect(verifyKnowledge(other, { ...statement, publicElement }, proof)).toBe(true);
  });

  test('V12: replayed in another session, by another party or for another key it convinces nobody', () => {
    const changes: Partial<KnowledgeStatement>[] = [
      { context: encodeUtf8('session 2') },
      { context: new Uint8Array() },
      { prover: parsePartyIndex(8) },
      { prover: parsePartyIndex(7 + 256) },
      { publicElement: group.add(statement.publicElement, group.generator) },
      { publicElement: group.negate(statement.publicElement) },
    ];
    for (const change of changes) {
      expect(verifyKnowledge(group, { ...statement, ...change }, proof)).toBe(false);
    }
  });

  test('V12: any flipped bit breaks it', () => {
    for (let bit = 0; bit < 8 * proof.length; bit += 7) {
      const damaged = proof.slice();
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      expect(verifyKnowledge(group, statement, damaged)).toBe(false);
    }
  });

  test('V4: an empty, short or long proof is no proof', () => {
    for (const bytes of [new Uint8Array(), proof.slice(1), proof.slice(0, -1), Uint8Array.of(...proof, 0)]) {
      expect(verifyKnowledge(group, statement, bytes)).toBe(false);
    }
  });

  test('V8: the same response plus the order is refused', () => {
    const response = scalars.toInteger(scalars.parse(proof.slice(elementLength)));
    const raised = response + scalars.order;
    const forms = raised < 1n << 256n ? [raised] : [(1n << 256n) - 1n];
    for (const form of forms) {
      const bytes = Uint8Array.of(...proof.slice(0, elementLength), ...bytesOfInteger(name, form));
      expect(verifyKnowledge(group, statement, bytes)).toBe(false);
    }
  });

  test('V5: nobody proves knowledge of zero, nor commits to the identity', () => {
    const nobody = { ...statement, publicElement: group.identity };
    expect(verifyKnowledge(group, nobody, proof)).toBe(false);
    expect(verifyKnowledge(group, statement, new Uint8Array(proof.length))).toBe(false);
    expect(() => proveKnowledge(group, nobody, scalars.parseSecret(scalars.zero), randomBytes(32))).toThrow(
      UsageError,
    );
  });

  test('a proof with another secret convinces nobody', () => {
    const wrong = proveKnowledge(group, statement, scalars.add(secret, scalars.one), randomBytes(32));
    expect(verifyKnowledge(group, statement, wrong)).toBe(false);
  });

  test('V66: the same randomness twice, in another context or with another secret, gives another commitment', () => {
    const fresh = randomBytes(32);
    const commitment = (changed: KnowledgeStatement, key = secret) =>
      Buffer.from(proveKnowledge(group, changed, key, fresh).slice(0, elementLength)).toString('hex');
    const commitments = [
      commitment(statement),
      commitment({ ...statement, context: encodeUtf8('session 2') }),
      commitment({ ...statement, prover: parsePartyIndex(8) }),
      commitment(statement, scalars.add(secret, scalars.one)),
    ];
    expect(new Set(commitments).size).toBe(4);
    expect(commitment(statement)).toBe(commitments[0]);
  });

  test('V66: randomness of zeros, or too little of it, is refused', () => {
    for (const fresh of [new Uint8Array(32), new Uint8Array(), randomBytes(31), randomBytes(33)]) {
      expect(() => proveKnowledge(group, statement, secret, fresh)).toThrow(
        expect.objectContaining({ code: 'RANDOMNESS_INVALID' }),
      );
    }
  });
});
