import { EncodingError, equalBytes, UsageError } from '@ckm/foundation';
import type { Scalar, ScalarField, SecretScalar } from './group.js';
import {
  addModulo,
  bytesToInteger,
  createModulus,
  integerToBytes,
  isBelow,
  type Modulus,
  multiplyModulo,
  reduceModulo,
  subtractModulo,
} from './limbs.js';

type AnyScalar = Scalar | SecretScalar;

/**
 * The scalars of one group: 32-byte canonical encodings over constant-time limb arithmetic. Every backend uses it, so
 * a secret never passes through bigint arithmetic on its way from share to signature.
 * @param order the prime group order, below 2^256
 * @param littleEndian the byte order of the group's scalar encoding (RFC 9591 §6)
 */
export function createScalarField(order: bigint, littleEndian: boolean): ScalarField {
  const modulus = createModulus(order);
  const zero = new Uint8Array(32);
  const combine = (operation: Operation) => (a: AnyScalar, b: AnyScalar) =>
    operation(modulus, a, b, littleEndian) as Scalar & SecretScalar;
  const subtract = combine(subtractModulo);
  return {
    order,
    byteLength: 32,
    zero: zero as Scalar,
    one: integerToBytes(1n, littleEndian) as Scalar,
    parse: (bytes) => parseCanonical(modulus, bytes, littleEndian) as Scalar,
    parseSecret: (bytes) => parseCanonical(modulus, bytes, littleEndian) as SecretScalar,
    fromInteger(value) {
      const remainder = BigInt(value) % order;
      return integerToBytes(remainder < 0n ? remainder + order : remainder, littleEndian) as Scalar;
    },
    toInteger: (value) => bytesToInteger(value, littleEndian),
    reduce: (bytes) => reduceHash(modulus, bytes, littleEndian) as Scalar,
    reduceSecret: (bytes) => reduceHash(modulus, bytes, littleEndian) as SecretScalar,
    isZero: (value) => equalBytes(value, zero),
    equal: equalBytes,
    add: combine(addModulo),
    subtract,
    multiply: combine(multiplyModulo),
    negate: (a: AnyScalar) => subtract(zero as Scalar, a),
    invert: (a) =>
      integerToBytes(invertInteger(bytesToInteger(a, littleEndian), order), littleEndian) as Scalar,
    invertSecret(a) {
      if (equalBytes(a, zero)) throw zeroHasNoInverse();
      return power(modulus, a, order - 2n, littleEndian) as SecretScalar;
    },
    // A copy, so that the secret can be wiped after it was published.
    publish: (value, _why) => value.slice() as Uint8Array as Scalar,
  };
}

type Operation = (modulus: Modulus, a: Uint8Array, b: Uint8Array, littleEndian: boolean) => Uint8Array;

function parseCanonical(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): Uint8Array {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32 || !isBelow(modulus, bytes, littleEndian)) {
    throw new EncodingError('a scalar is not canonical', {
      code: 'SCALAR_INVALID',
      hint: 'send 32 bytes that stand for a number smaller than the group order',
    });
  }
  return new Uint8Array(bytes);
}

function reduceHash(modulus: Modulus, bytes: Uint8Array, littleEndian: boolean): Uint8Array {
  if (bytes.length < 32 || bytes.length > 64) {
    throw new UsageError('only 32 to 64 bytes can be reduced to a scalar', {
      code: 'LENGTH_MISMATCH',
      hint: 'pass the output of a hash',
    });
  }
  return reduceModulo(modulus, bytes, littleEndian);
}

/** base to a public exponent, square and multiply: which products there are depends on the exponent alone. */
function power(modulus: Modulus, base: Uint8Array, exponent: bigint, littleEndian: boolean): Uint8Array {
  let result: Uint8Array = base.slice();
  const replace = (next: Uint8Array) => {
    result.fill(0);
    result = next;
  };
  // The highest bit is the base itself.
  for (const bit of exponent.toString(2).slice(1)) {
    replace(multiplyModulo(modulus, result, result, littleEndian));
    if (bit === '1') replace(multiplyModulo(modulus, result, base, littleEndian));
  }
  return result;
}

function zeroHasNoInverse(): UsageError {
  return new UsageError('zero has no inverse', {
    code: 'SCALAR_ZERO',
    hint: 'check for zero before inverting',
  });
}

/** Extended Euclid; variable-time. */
function invertInteger(value: bigint, order: bigint): bigint {
  if (value === 0n) throw zeroHasNoInverse();
  let [a, b, x, y] = [value, order, 1n, 0n];
  while (a !== 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b - quotient * a, a, y - quotient * x, x];
  }
  const inverse = x % order;
  return inverse < 0n ? inverse + order : inverse;
}
