import { EncodingError, UsageError } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nobleGroup } from './index.js';
import type { GroupName, ScalarField, SecretScalar } from './group.js';
import { bytesOfInteger, isLittleEndian } from './test/backends.js';

const NAMES: readonly GroupName[] = ['ed25519', 'ristretto255', 'secp256k1', 'P-256'];

/** Integers below `limit`, most of them near an edge or with long runs of equal bits. */
function integers(limit: bigint): fc.Arbitrary<bigint> {
  const edges = [
    0n,
    1n,
    2n,
    limit - 1n,
    limit - 2n,
    limit >> 1n,
    0xffffffn,
    0x1000000n,
    (1n << 128n) - 1n,
    1n << 248n,
  ];
  const runs = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }))
    .map(([a, b]) => ((1n << BigInt(a)) - (1n << BigInt(b))) % limit)
    .map((value) => (value < 0n ? value + limit : value));
  return fc.oneof(
    fc.bigInt({ min: 0n, max: limit - 1n }),
    runs,
    fc.constantFrom(...edges.filter((edge) => edge < limit)),
  );
}

describe.each(NAMES)('scalars of %s', (name) => {
  const field: ScalarField = nobleGroup(name).scalars;
  const q = field.order;
  const modulo = (value: bigint) => ((value % q) + q) % q;
  const secretly = (value: bigint) => field.parseSecret(bytesOfInteger(name, value));

  test('add, subtract, multiply and negate as integers do modulo the order', () => {
    fc.assert(
      fc.property(integers(q), integers(q), (a, b) => {
        const [x, y] = [field.fromInteger(a), secretly(b)];
        const show = (value: SecretScalar) => field.toInteger(field.publish(value, 'test'));
        expect(show(field.add(x, y))).toBe(modulo(a + b));
        expect(show(field.subtract(x, y))).toBe(modulo(a - b));
        expect(show(field.subtract(y, x))).toBe(modulo(b - a));
        expect(show(field.multiply(x, y))).toBe(modulo(a * b));
        expect(show(field.negate(y))).toBe(modulo(-b));
        expect(field.isZero(y)).toBe(b === 0n);
        expect(field.equal(x, y)).toBe(a === b);
      }),
      { numRuns: 100 },
    );
  });

  test('an inverse times its scalar is one; zero has none', () => {
    fc.assert(
      fc.property(integers(q), (a) => {
        fc.pre(a !== 0n);
        const x = field.fromInteger(a);
        expect(field.multiply(field.invert(x), x)).toEqual(field.one);
      }),
      { numRuns: 50 },
    );
    expect(() => field.invert(field.zero)).toThrow(UsageError);
  });

  test('hash outputs of 32 to 64 bytes are reduced as integers are; other lengths are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 64 }), (bytes) => {
        const digits = Buffer.from(isLittleEndian(name) ? bytes.slice().reverse() : bytes).toString('hex');
        expect(field.toInteger(field.reduce(bytes))).toBe(BigInt(`0x${digits}`) % q);
        expect([...field.reduceSecret(bytes)]).toEqual([...field.reduce(bytes)]);
      }),
      { numRuns: 100 },
    );
    expect(field.toInteger(field.reduce(new Uint8Array(64).fill(0xff)))).toBe(((1n << 512n) - 1n) % q);
    for (const length of [0, 31, 65]) expect(() => field.reduce(new Uint8Array(length))).toThrow(UsageError);
  });

  test('V8: a scalar at or above the order is refused, in public and in secret', () => {
    const small = integers((1n << 256n) - q);
    fc.assert(
      fc.property(small, (excess) => {
        const bytes = bytesOfInteger(name, q + excess);
        for (const parse of [() => field.parse(bytes), () => field.parseSecret(bytes)]) {
          expect(parse).toThrow(
            expect.objectContaining({ errorClass: 'EncodingError', code: 'SCALAR_INVALID' }),
          );
        }
      }),
      { numRuns: 50 },
    );
    for (const value of [0n, 1n, q - 1n]) {
      expect(field.toInteger(field.parse(bytesOfInteger(name, value)))).toBe(value);
    }
  });

  test('V4 V10: a scalar of another length, or of another type, is refused', () => {
    const strange = [
      new Uint8Array(),
      new Uint8Array(31),
      new Uint8Array(33),
      '00'.repeat(32),
      1n,
      5,
      null,
      undefined,
    ];
    for (const value of [...strange, Array.from({ length: 32 }, () => 0)]) {
      expect(() => field.parse(value as Uint8Array)).toThrow(EncodingError);
    }
  });

  test('V65: the error about a secret scalar says nothing of its bytes', () => {
    const bytes = bytesOfInteger(name, q + 5n);
    let message = '';
    try {
      field.parseSecret(bytes);
    } catch (error) {
      message = JSON.stringify([error, (error as Error).message, (error as Error).stack]);
    }
    expect(message).toContain('SCALAR_INVALID');
    expect(message).not.toContain(Buffer.from(bytes).toString('hex').slice(0, 12));
    expect(message).not.toContain([...bytes].slice(0, 4).join(','));
  });

  test('integers of either sign come in modulo the order', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(q * q), max: q * q }), (value) => {
        expect(field.toInteger(field.fromInteger(value))).toBe(modulo(value));
      }),
      { numRuns: 50 },
    );
    expect(field.toInteger(field.fromInteger(-1))).toBe(q - 1n);
  });

  test('results are fresh bytes: wiping a secret changes nothing that came out of it', () => {
    const secret = field.parseSecret(Buffer.from(bytesOfInteger(name, 7n)));
    const published = field.publish(secret, 'test');
    const parsed = field.parseSecret(secret);
    const sum = field.add(secret, field.zero);
    secret.fill(0);
    for (const value of [published, parsed, sum]) expect([...value]).toEqual([...bytesOfInteger(name, 7n)]);
  });
});
