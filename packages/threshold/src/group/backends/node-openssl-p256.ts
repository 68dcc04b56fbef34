import { createECDH, ECDH } from 'node:crypto';
import { equalBytes } from '@ckm/foundation';
import { p256 } from '@noble/curves/nist.js';
import { createGroup } from '../create-group.js';
import type { Element, Group, Scalar, ScalarField, SecretScalar } from '../group.js';
import { addModulo, bytesToInteger, createModulus, multiplyModulo, subtractModulo } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';
import { doubleAndAdd } from './small-multiple.js';
import { compress, isCompressed } from './sec1.js';

type Point = typeof p256.Point.BASE;

const { Point } = p256;
const FIELD = createModulus(Point.Fp.ORDER);
const ZERO = new Uint8Array(32);
const ONE = Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : 0));

/** A sum is a noble point until somebody needs its bytes; a product or a decoded element is bytes until it is added. */
class P256Element implements Element {
  readonly __element = 'P-256';
  #point: Point | undefined;
  #bytes: Uint8Array | undefined;

  constructor(value: Point | Uint8Array) {
    if (value instanceof Uint8Array) this.#bytes = value;
    else this.#point = value;
  }

  get point(): Point {
    this.#point ??= Point.fromAffine({
      x: bytesToInteger(this.#bytes!.subarray(1, 33), false),
      y: bytesToInteger(this.#bytes!.subarray(33), false),
    });
    return this.#point;
  }

  /** Uncompressed, 65 bytes; not for the identity. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#point!.toBytes(false);
    return this.#bytes;
  }

  get isIdentity(): boolean {
    return this.#bytes === undefined && this.#point!.is0();
  }
}

/** P-256 over OpenSSL for everything with a scalar, and noble for additions. */
export function createOpensslP256(): Group {
  const scalars = createScalarField(Point.Fn.ORDER, false);
  const base = createBase(scalars);
  const shared = createMultiplier(scalars);
  const wrap = (value: Point | Uint8Array) => new P256Element(value);
  return createGroup<P256Element>({
    name: 'P-256',
    backend: 'openssl',
    grade: 'native',
    scalars,
    elementByteLength: 33,
    identity: wrap(Point.ZERO),
    generator: wrap(Point.BASE),
    isOwn: (element) => element instanceof P256Element,
    isIdentity: (element) => element.isIdentity,
    equal: (a, b) => a.point.equals(b.point),
    decode: (bytes) => (isCompressed(bytes) ? wrap(uncompressed(bytes)) : undefined),
    encode: ({ bytes }) => compress(bytes),
    verify(element, factor, response, expected) {
      const R = pointOf(expected);
      if (R === undefined) return false;
      shared.begin(factor);
      return shared.isProduct(element, wrap(base.multiplyPublic(response)).point.subtract(R));
    },
    // An inversion saved: the bytes cost a square root in OpenSSL, and points are compared without one.
    encodesTo: (element, bytes) => pointOf(bytes)?.equals(element.point) === true,
    sum: (elements) => wrap(elements.map(({ point }) => point).reduce((sum, point) => sum.add(point))),
    negate: ({ point }) => wrap(point.negate()),
    multiplyBase: (scalar) => wrap(base.multiplySecret(scalar)),
    multiplySecret({ bytes }, scalar) {
      shared.begin(scalar);
      const product = shared.multiply(bytes);
      shared.forget();
      return wrap(product);
    },
    agree(scalar) {
      const own = createMultiplier(scalars);
      own.begin(scalar);
      return {
        multiply: (encoded) =>
          isCompressed(encoded) ? multiplyAndCompress(own, uncompressed(encoded)) : undefined,
        end: own.forget,
      };
    },
    // Nothing to forget: the scalar is public.
    multiplyPublic({ bytes }, scalar) {
      shared.begin(scalar);
      return wrap(shared.multiply(bytes));
    },
    multiplySmall: ({ point }, factor) => wrap(doubleAndAdd(point, factor, (a, b) => a.add(b))),
  });
}

function multiplyAndCompress(multiplier: Multiplier, element: Uint8Array): Uint8Array {
  const product = multiplier.multiply(element);
  const point = compress(product);
  product.fill(0);
  return point;
}

function uncompressed(bytes: Uint8Array): Uint8Array {
  const format = 'uncompressed';
  const converted = ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, format) as Uint8Array;
  const own = new Uint8Array(converted);
  converted.fill(0);
  return own;
}

/** One scalar at work on encodings of 65 bytes. */
interface Multiplier {
  /** Takes a scalar other than zero. */
  begin(scalar: Scalar | SecretScalar): void;
  /** scalar·element, by the scalar begun with. */
  multiply(element: Uint8Array): Uint8Array;
  /** Whether scalar·element is this point; public data only. */
  isProduct(element: P256Element, product: Point): boolean;
  /** Leaves no secret behind. */
  forget(): void;
}

/**
 * OpenSSL's key agreement gives, in constant time, the x-coordinate of scalar·element and no more. The sign of y
 * follows from a second one, the x-coordinate of (scalar + 1)·element: only one of the two candidates, added to the
 * element, has it.
 */
function createMultiplier({ add, isZero, one }: ScalarField): Multiplier {
  const agreement = createECDH('prime256v1');
  const neighbour = createECDH('prime256v1');
  /** What the scalar is, where it has a name: 1 or −1, which does not happen to a secret. */
  let unit: 1 | -1 | undefined;
  return {
    begin(scalar) {
      const next = add(scalar, one);
      unit = isZero(next) ? -1 : isOne(scalar) ? 1 : undefined;
      agreement.setPrivateKey(scalar);
      if (unit !== -1) neighbour.setPrivateKey(next);
      next.fill(0);
    },
    multiply(element) {
      if (unit !== undefined) return unit === 1 ? element.slice() : negated(element);
      const first = agreement.computeSecret(element);
      const candidate = Uint8Array.of(2, ...first);
      const even = uncompressed(candidate);
      first.fill(0);
      candidate.fill(0);
      const x = neighbour.computeSecret(element);
      const isEven = addsUpTo(element, even, x);
      x.fill(0);
      const product = negatedUnless(isEven, even);
      even.fill(0);
      return product;
    },
    // Two x-coordinates are compared, and nothing has to be decoded.
    isProduct({ bytes, point }, product) {
      if (product.is0()) return false;
      if (unit === -1) return product.equals(point.negate());
      const sum = product.add(point);
      if (sum.is0() || !hasX(product, agreement.computeSecret(bytes))) return false;
      return hasX(sum, neighbour.computeSecret(bytes));
    },
    forget() {
      agreement.setPrivateKey(one);
      neighbour.setPrivateKey(one);
    },
  };
}

/** scalar·G, for a scalar other than zero. */
function createBase({ one }: ScalarField) {
  const agreement = createECDH('prime256v1');
  const multiplyPublic = (scalar: Uint8Array): Uint8Array => {
    agreement.setPrivateKey(scalar);
    return new Uint8Array(agreement.getPublicKey(null, 'uncompressed'));
  };
  return {
    multiplyPublic,
    /** Leaves no secret behind. */
    multiplySecret(scalar: Uint8Array): Uint8Array {
      const product = multiplyPublic(scalar);
      agreement.setPrivateKey(one);
      return product;
    },
  };
}

/** Whether a point other than the identity has this x-coordinate. */
function hasX({ X, Z }: Point, x: Uint8Array): boolean {
  return Point.Fp.mul(bytesToInteger(x, false), Z) === X;
}

/** Compared without an early exit: it may be a secret. */
function isOne(scalar: Uint8Array): boolean {
  return equalBytes(scalar, ONE);
}

/**
 * Whether a + b has this x-coordinate, for a and b with different ones: (y₂−y₁)² = (x₁+x₂+x)·(x₂−x₁)². In limbs, because
 * b is the secret point of two parties.
 */
function addsUpTo(a: Uint8Array, b: Uint8Array, x: Uint8Array): boolean {
  const [x1, y1, x2, y2] = [a.subarray(1, 33), a.subarray(33), b.subarray(1, 33), b.subarray(33)];
  const slopeHeight = subtract(y2, y1);
  const slopeWidth = subtract(x2, x1);
  const left = multiply(slopeHeight, slopeHeight);
  const right = multiply(add(add(x1, x2), x), multiply(slopeWidth, slopeWidth));
  return equalBytes(left, right);
}

const add = (a: Uint8Array, b: Uint8Array) => addModulo(FIELD, a, b, false);
const subtract = (a: Uint8Array, b: Uint8Array) => subtractModulo(FIELD, a, b, false);
const multiply = (a: Uint8Array, b: Uint8Array) => multiplyModulo(FIELD, a, b, false);

function negated(bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  result.set(subtract(ZERO, bytes.subarray(33)), 33);
  return result;
}

/** The point or its negative, chosen without a branch. */
function negatedUnless(isRight: boolean, bytes: Uint8Array): Uint8Array {
  const other = negated(bytes);
  const keep = -Number(isRight);
  const chosen = bytes.map((byte, i) => (byte & keep) | (other[i]! & ~keep));
  other.fill(0);
  return chosen;
}

/** The point that bytes of any kind stand for, if any. Public data only. */
function pointOf(bytes: Uint8Array): Point | undefined {
  if (!isCompressed(bytes)) return undefined;
  try {
    return new P256Element(uncompressed(bytes)).point;
  } catch {
    return undefined;
  }
}
