import { pippenger } from '@noble/curves/abstract/curve.js';
import { ed25519, ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { createGroup } from '../create-group.js';
import { elementInvalid } from '../element-errors.js';
import type { Element, Group, GroupName, ScalarField, SecretScalar } from '../group.js';
import { bytesToInteger } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';
import { isPlausibleEdwards } from './edwards-encoding.js';

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
  /** Pippenger's sum of products. */
  multiplySum(points: P[], factors: bigint[]): P;
  /** Throws for anything that is not canonical or not on the curve. */
  parse(bytes: Uint8Array): P;
  /** RFC 9496 §4.3.4, of ristretto255 alone. */
  fromUniform?(bytes: Uint8Array): P;
  /** Absent where every point is in the prime-order group. */
  isInSubgroup?(point: P): boolean;
}

/** From so many terms on Pippenger's buckets beat single products: measured, for all four groups. */
const WORTH_BUCKETS = 8;

class NobleElement<P> implements Element {
  readonly __element: GroupName;
  readonly point: P;

  constructor(name: GroupName, point: P) {
    this.__element = name;
    this.point = point;
  }
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
  multiplySum: (points, factors) => pippenger(ed25519.Point, points, factors),
  parse(bytes) {
    // As the other backends: y = ±1 is refused by itself, also where only a sum is checked.
    if (!isPlausibleEdwards(bytes)) throw elementInvalid('ed25519');
    return ed25519.Point.fromBytes(bytes, false);
  },
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
  multiplySum: (points, factors) => pippenger(ristretto255.Point, points, factors),
  parse: (bytes) => ristretto255.Point.fromBytes(bytes),
  fromUniform: (bytes) => ristretto255_hasher.deriveToCurve!(bytes),
};

const SECP256K1: Curve<typeof secp256k1.Point.BASE> = {
  name: 'secp256k1',
  littleEndian: false,
  elementByteLength: 33,
  base: secp256k1.Point.BASE,
  zero: secp256k1.Point.ZERO,
  order: secp256k1.Point.Fn.ORDER,
  blinded: true,
  multiplySum: (points, factors) => pippenger(secp256k1.Point, points, factors),
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
  multiplySum: (points, factors) => pippenger(p256.Point, points, factors),
  parse: (bytes) => p256.Point.fromBytes(bytes),
};

function groupOver<P extends Point<P>>(curve: Curve<P>): Group {
  const { name, elementByteLength } = curve;
  const scalars = createScalarField(curve.order, curve.littleEndian);
  const wrap = (point: P) => new NobleElement(name, point);
  const integer = (scalar: Uint8Array): bigint => bytesToInteger(scalar, curve.littleEndian);
  return createGroup<NobleElement<P>>({
    name,
    backend: 'noble',
    grade: 'bigint',
    scalars,
    elementByteLength,
    identity: wrap(curve.zero),
    generator: wrap(curve.base),
    isOwn: (element): element is NobleElement<P> =>
      element instanceof NobleElement && element.__element === name,
    isIdentity: ({ point }) => point.is0(),
    equal: (a, b) => a.point.equals(b.point),
    decode(bytes) {
      const point = parsePoint(curve, bytes);
      return curve.isInSubgroup?.(point) === false ? undefined : wrap(point);
    },
    decodeAndSum(encodings, others) {
      const points = [
        ...encodings.map((bytes) => parsePoint(curve, bytes)),
        ...others.map(({ point }) => point),
      ];
      const sum = points.reduce((total, point) => total.add(point));
      return curve.isInSubgroup?.(sum) === false ? undefined : wrap(sum);
    },
    ...(curve.fromUniform && { fromUniform: (bytes) => wrap(curve.fromUniform!(bytes)) }),
    encode: ({ point }) => point.toBytes(),
    sum: (elements) => wrap(elements.map(({ point }) => point).reduce((sum, point) => sum.add(point))),
    negate: ({ point }) => wrap(point.negate()),
    multiplyBase: (scalar) => wrap(curve.base.multiply(integer(scalar))),
    multiplySecret: ({ point }, scalar) => wrap(multiplySecret(curve, scalars, point, scalar)),
    multiplyPublic: ({ point }, scalar) => wrap(point.multiplyUnsafe(integer(scalar))),
    multiplySum(elements, factors) {
      if (elements.length < WORTH_BUCKETS) {
        const products = elements.map(({ point }, i) => point.multiplyUnsafe(integer(factors[i]!)));
        return wrap(products.reduce((sum, product) => sum.add(product)));
      }
      const points = elements.map(({ point }) => point);
      return wrap(curve.multiplySum(points, factors.map(integer)));
    },
    multiplySmall: ({ point }, factor) => wrap(point.multiplyUnsafe(BigInt(factor))),
  });
}

/** A point of the curve that is not the identity; perhaps outside the prime-order group. Throws for anything else. */
function parsePoint<P extends Point<P>>(curve: Curve<P>, bytes: Uint8Array): P {
  const point = curve.parse(new Uint8Array(bytes));
  if (point.is0()) throw elementInvalid(curve.name);
  return point;
}

/** Splits the scalar into two random summands where noble does not blind. Additive splitting, docs/groups.md, "What may leak". */
function multiplySecret<P extends Point<P>>(
  curve: Curve<P>,
  scalars: ScalarField,
  point: P,
  scalar: SecretScalar,
): P {
  const multiply = (factor: SecretScalar): P => point.multiply(bytesToInteger(factor, curve.littleEndian));
  if (curve.blinded) return multiply(scalar);
  const mask = scalars.reduceSecret(randomBytes(64));
  const rest = scalars.subtract(scalar, mask);
  // Noble refuses zero; a mask that leaves one does not happen by chance.
  const split = !scalars.isZero(mask) && !scalars.isZero(rest);
  const product = split ? multiply(mask).add(multiply(rest)) : multiply(scalar);
  mask.fill(0);
  rest.fill(0);
  return product;
}
