import { randomBytes } from 'node:crypto';
import { encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import type { Group, GroupName } from '../../group/group.js';
import { groupNamed, nobleGroup } from '../../group/index.js';
import { bytesOfInteger } from '../../group/test/backends.js';
import { type EqualLogsStatement, proveEqualLogs, verifyEqualLogs } from './index.js';

const NAMES: readonly GroupName[] = ['ed25519', 'ristretto255', 'secp256k1', 'P-256'];

function transfer(from: Group, to: Group, statement: EqualLogsStatement): EqualLogsStatement {
  const move = (element: EqualLogsStatement['publicElement']) => to.decode(from.encode(element));
  return {
    context: statement.context,
    publicElement: move(statement.publicElement),
    pairs: statement.pairs.map(({ input, output }) => ({ input: move(input), output: move(output) })),
  };
}

describe.each(NAMES)('proof of equal logarithms over %s', (name) => {
  const group = groupNamed(name);
  const { scalars } = group;
  const secret = scalars.reduceSecret(randomBytes(64));
  const pairOf = () => {
    const input = group.mulBase(scalars.reduceSecret(randomBytes(64)));
    return { input, output: group.mulSecret(input, secret) };
  };
  const statement: EqualLogsStatement = {
    context: encodeUtf8('session 1, party 7'),
    publicElement: group.mulBase(secret),
    pairs: [pairOf(), pairOf()],
  };
  const [first, second] = statement.pairs as [ReturnType<typeof pairOf>, ReturnType<typeof pairOf>];
  const proof = proveEqualLogs(group, statement, secret, randomBytes(32));

  test('convinces, for one pair and for several, on every backend', () => {
    expect(proof).toHaveLength(64);
    expect(verifyEqualLogs(group, statement, proof)).toBe(true);
    const single = { ...statement, pairs: [first] };
    expect(verifyEqualLogs(group, single, proveEqualLogs(group, single, secret, randomBytes(32)))).toBe(true);
    const other = nobleGroup(name);
    expect(verifyEqualLogs(other, transfer(group, other, statement), proof)).toBe(true);
  });

  test('V12: any changed item of the statement breaks it: context, key, inputs, outputs, order, number', () => {
    const changes: Partial<EqualLogsStatement>[] = [
      { context: encodeUtf8('session 1, party 8') },
      { publicElement: group.add(statement.publicElement, group.generator) },
      { pairs: [first] },
      { pairs: [second, first] },
      { pairs: [first, second, second] },
      { pairs: [first, { input: second.input, output: first.output }] },
      { pairs: [first, { input: group.add(second.input, group.generator), output: second.output }] },
      { pairs: [first, { input: second.input, output: group.negate(second.output) }] },
    ];
    for (const change of changes) {
      expect(verifyEqualLogs(group, { ...statement, ...change }, proof)).toBe(false);
    }
  });

  test('V57: a good proof for a key of the prover’s own making is worthless against the certified one', () => {
    const own = scalars.add(secret, scalars.one);
    const pairs = [{ input: first.input, output: group.mulSecret(first.input, own) }];
    const forged = { context: statement.context, publicElement: group.mulBase(own), pairs };
    const forgery = proveEqualLogs(group, forged, own, randomBytes(32));
    expect(verifyEqualLogs(group, forged, forgery)).toBe(true);
    expect(verifyEqualLogs(group, { ...forged, publicElement: statement.publicElement }, forgery)).toBe(
      false,
    );
  });

  test('V4: without pairs, or with a proof of another length, nothing is proved', () => {
    expect(verifyEqualLogs(group, { ...statement, pairs: [] }, proof)).toBe(false);
    const tooMany = Array.from({ length: 65536 }, () => first);
    expect(verifyEqualLogs(group, { ...statement, pairs: tooMany }, proof)).toBe(false);
    for (const bytes of [new Uint8Array(), proof.slice(1), proof.slice(0, 63), Uint8Array.of(...proof, 0)]) {
      expect(verifyEqualLogs(group, statement, bytes)).toBe(false);
    }
    expect(() => proveEqualLogs(group, { ...statement, pairs: [] }, secret, randomBytes(32))).toThrow(
      expect.objectContaining({ code: 'STATEMENT_INVALID' }),
    );
  });

  test('V5: an identity anywhere is refused, and never throws', () => {
    const identity = group.identity;
    const statements: EqualLogsStatement[] = [
      { ...statement, publicElement: identity },
      { ...statement, pairs: [first, { input: identity, output: second.output }] },
      { ...statement, pairs: [first, { input: second.input, output: identity }] },
      { ...statement, pairs: [{ input: identity, output: identity }] },
    ];
    for (const wrong of statements) {
      expect(verifyEqualLogs(group, wrong, proof)).toBe(false);
      expect(() => proveEqualLogs(group, wrong, secret, randomBytes(32))).toThrow(
        expect.objectContaining({ code: 'STATEMENT_INVALID' }),
      );
    }
    expect(verifyEqualLogs(group, statement, new Uint8Array(64))).toBe(false);
  });

  test('V8: scalars at or above the order are refused', () => {
    const over = bytesOfInteger(name, scalars.order);
    expect(verifyEqualLogs(group, statement, Uint8Array.of(...over, ...proof.slice(32)))).toBe(false);
    expect(verifyEqualLogs(group, statement, Uint8Array.of(...proof.slice(0, 32), ...over))).toBe(false);
  });

  test('any flipped bit breaks it', () => {
    for (let bit = 0; bit < 512; bit += 13) {
      const damaged = proof.slice();
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      expect(verifyEqualLogs(group, statement, damaged)).toBe(false);
    }
  });

  test('V66: the same randomness for two statements never gives one one-time scalar under two challenges', () => {
    const fresh = randomBytes(32);
    const other = { ...statement, context: encodeUtf8('session 2, party 7') };
    const [a, b] = [statement, other].map((each) => proveEqualLogs(group, each, secret, fresh)) as [
      Uint8Array,
      Uint8Array,
    ];
    const difference = (at: number) =>
      scalars.subtract(scalars.parse(a.slice(at, at + 32)), scalars.parse(b.slice(at, at + 32)));
    // With one r: s₁ − s₂ = (c₂ − c₁)·k, and the secret would be theirs for a division.
    const leaked = scalars.multiply(difference(32), scalars.invert(scalars.negate(difference(0))));
    expect(scalars.equal(leaked, secret)).toBe(false);
    expect(() => proveEqualLogs(group, statement, secret, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'RANDOMNESS_INVALID' }),
    );
  });
});
