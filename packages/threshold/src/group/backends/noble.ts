import { ed25519, ristretto255 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { randomBytes } from '@noble/hashes/utils.js';
import {
  assertSameLength,
  assertSmallFactor,
  elementForeign,
  elementIdentity,
  elementInvalid,
} from '../element-errors.js';
import type { Element, Group, GroupName, Scalar, ScalarField, SecretScalar } from '../group.js';
import { bytesToInteger } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';

/** What this backend needs of a noble point. */
interface Point<P> {
  add(other: P): P;
  negate(): P;
  equals(other: P): boolean;
  is0(): boolean;
  multiply(scalar: bigint): P;
  multiplyUnsafe(scalar: bigint): P;
  toBytes(): Uint8Array;
}

interface Curve<P extends Point<P>> {
  readonly name: GroupName;
  readonly littleEndian: boolean;
  readonly elementByteLength: number;
  readonly base: P;
  readonly zero: P;
  readonly order: bigint;
  /** Noble blinds secret scalars on curves of cofactor 1; on the others a variable base has to be split by us. */
  readonly blinded: boolean;
  /** Throws for anything that is not canonical or not on the curve. */
  parse(bytes: Uint8Array): P;
  /** Absent where every point is in the prime-order group. */
  isInSubgroup?(point: P): boolean;
}

class NobleElement<P> implements Element {
  constructor(
    readonly __element: GroupName,
    readonly point: P,
  ) {}
}

/** The portable backend over `@noble/curves`; also the oracle every other backend is compared with. */
export function createNobleGroup(name: GroupName): Group {
  if (name === 'ed25519') return groupOver(ED25519);
  if (name === 'ristretto255') return groupOver(RISTRETTO255);
  if (name === 'secp256k1') return groupOver(SECP256K1);
  return groupOver(P256);
}

const ED25519: Curve<typeof ed25519.Point.BASE> = {
  name: 'ed25519',
  littleEndian: true,
  elementByteLength: 32,
  base: ed25519.Point.BASE,
  zero: ed25519.Point.ZERO,
  order: ed25519.Point.Fn.ORDER,
  blinded: false,
  parse: (bytes) => ed25519.Point.fromBytes(bytes, false),
  isInSubgroup: (point) => point.isTorsionFree(),
};

const RISTRETTO255: Curve<typeof ristretto255.Point.BASE> = {
  name: 'ristretto255',
  littleEndian: true,
  elementByteLength: 32,
  base: ristretto255.Point.BASE,
  zero: ristretto255.Point.ZERO,
  order: ristretto255.Point.Fn.ORDER,
  blinded: false,
  parse: (bytes) => ristretto255.Point.fromBytes(bytes),
};

const SECP256K1: Curve<typeof secp256k1.Point.BASE> = {
  name: 'secp256k1',
  littleEndian: false,
  elementByteLength: 33,
  base: secp256k1.Point.BASE,
  zero: secp256k1.Point.ZERO,
  order: secp256k1.Point.Fn.ORDER,
  blinded: true,
  parse: (bytes) => secp256k1.Point.fromBytes(bytes),
};

const P256: Curve<typeof p256.Point.BASE> = {
  name: 'P-256',
  littleEndian: false,
  elementByteLength: 33,
  base: p256.Point.BASE,
  zero: p256.Point.ZERO,
  order: p256.Point.Fn.ORDER,
  blinded: true,
  parse: (bytes) => p256.Point.fromBytes(bytes),
};

function groupOver<P extends Point<P>>(curve: Curve<P>): Group {
  const { name, littleEndian, base, zero } = curve;
  const scalars = createScalarField(curve.order, littleEndian);
  const wrap = (point: P): Element => new NobleElement(name, point);
  const pointOf = (element: Element): P => {
    if (element instanceof NobleElement && element.__element === name) return element.point as P;
    throw elementForeign(name);
  };
  const integer = (scalar: Scalar | SecretScalar): bigint => bytesToInteger(scalar, littleEndian);
  const timesPublic = (point: P, scalar: Scalar): P => point.multiplyUnsafe(integer(scalar));
  const generator = wrap(base);
  const identity = wrap(zero);
  return {
    name,
    backend: 'noble',
    scalars,
    elementByteLength: curve.elementByteLength,
    generator,
    identity,
    decode: (bytes) => wrap(decodePoint(curve, bytes)),
    decodeAndMul: (bytes, scalar) => wrap(timesPublic(decodePoint(curve, bytes), scalar)),
    decodeAndSum: (encodings) => wrap(decodeSum(curve, encodings)),
    encode(element) {
      const point = pointOf(element);
      if (point.is0()) throw elementIdentity(name);
      return point.toBytes();
    },
    isIdentity: (element) => pointOf(element).is0(),
    equal: (a, b) => pointOf(a).equals(pointOf(b)),
    add: (a, b) => wrap(pointOf(a).add(pointOf(b))),
    sum: (elements) => wrap(elements.reduce((sum, element) => sum.add(pointOf(element)), zero)),
    negate: (a) => wrap(pointOf(a).negate()),
    mulBase: (scalar) => (scalars.isZero(scalar) ? identity : wrap(base.multiply(integer(scalar)))),
    mulSecret: (element, scalar) => wrap(multiplySecret(curve, scalars, pointOf(element), scalar)),
    mulBasePublic: (scalar) => (scalars.isZero(scalar) ? identity : wrap(base.multiply(integer(scalar)))),
    mulPublic: (element, scalar) => wrap(timesPublic(pointOf(element), scalar)),
    mulSmall(element, factor) {
      assertSmallFactor(factor);
      return wrap(pointOf(element).multiplyUnsafe(BigInt(factor)));
    },
    msm(elements, factors) {
      assertSameLength(elements, factors);
      return wrap(
        elements.reduce((sum, element, i) => sum.add(timesPublic(pointOf(element), factors[i]!)), zero),
      );
    },
  };
}

/** A point of the curve that is not the identity; perhaps outside the prime-order group. */
function parsePoint<P extends Point<P>>(curve: Curve<P>, bytes: Uint8Array): P {
  if (!(bytes instanceof Uint8Array) || bytes.length !== curve.elementByteLength)
    throw elementInvalid(curve.name);
  let point: P;
  try {
    point = curve.parse(new Uint8Array(bytes));
  } catch {
    throw elementInvalid(curve.name);
  }
  if (point.is0()) throw elementInvalid(curve.name);
  return point;
}

function decodePoint<P extends Point<P>>(curve: Curve<P>, bytes: Uint8Array): P {
  const point = parsePoint(curve, bytes);
  if (curve.isInSubgroup?.(point) === false) throw elementInvalid(curve.name);
  return point;
}

function decodeSum<P extends Point<P>>(curve: Curve<P>, encodings: readonly Uint8Array[]): P {
  let sum = curve.zero;
  for (const bytes of encodings) sum = sum.add(parsePoint(curve, bytes));
  if (curve.isInSubgroup?.(sum) === false) throw elementInvalid(curve.name);
  return sum;
}

/** Splits the scalar into two random summands where noble does not blind. Source: protocols.md §8, mitigation 1. */
function multiplySecret<P extends Point<P>>(
  curve: Curve<P>,
  scalars: ScalarField,
  point: P,
  scalar: SecretScalar,
): P {
  if (point.is0() || scalars.isZero(scalar)) return curve.zero;
  const integer = (value: SecretScalar) => bytesToInteger(value, curve.littleEndian);
  if (curve.blinded) return point.multiply(integer(scalar));
  const mask = scalars.reduceSecret(randomBytes(64));
  const rest = scalars.subtract(scalar, mask);
  if (scalars.isZero(mask) || scalars.isZero(rest)) return point.multiply(integer(scalar));
  return point.multiply(integer(mask)).add(point.multiply(integer(rest)));
}
