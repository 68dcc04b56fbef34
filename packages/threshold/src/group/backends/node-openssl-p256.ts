import { createECDH, ECDH } from 'node:crypto';
import { equalBytes } from '@ckm/foundation';
import { p256 } from '@noble/curves/nist.js';
import { createGroup } from '../create-group.js';
import type { Element, Group, Scalar, ScalarField, SecretScalar } from '../group.js';
import { addModulo, bytesToInteger, createModulus, multiplyModulo, subtractModulo } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';
import { doubleAndAdd } from './small-multiple.js';

type Point = typeof p256.Point.BASE;

const { Point } = p256;
const FIELD = createModulus(Point.Fp.ORDER);
const ZERO = new Uint8Array(32);

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
  const multiplier = createMultiplier(scalars);
  const wrap = (value: Point | Uint8Array) => new P256Element(value);
  const multiply = ({ bytes }: P256Element, scalar: Scalar | SecretScalar) =>
    wrap(multiplier.multiply(bytes, scalar));
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
    // OpenSSL would also read other forms.
    decode: (bytes) => (bytes[0] === 2 || bytes[0] === 3 ? wrap(uncompressed(bytes)) : undefined),
    encode({ bytes }) {
      const compressed = bytes.slice(0, 33);
      compressed[0] = 2 + (bytes[64]! & 1);
      return compressed;
    },
    // An inversion saved: the bytes cost a square root in OpenSSL, and points are compared without one.
    encodesTo: (element, bytes) => (bytes[0] === 2 || bytes[0] === 3) && isEncodedBy(element, bytes),
    sum: (elements) => wrap(elements.map(({ point }) => point).reduce((sum, point) => sum.add(point))),
    negate: ({ point }) => wrap(point.negate()),
    multiplyBase: (scalar) => wrap(multiplier.multiplyBase(scalar)),
    multiplySecret: multiply,
    wipeElement: ({ bytes }) => bytes.fill(0),
    multiplyPublic: multiply,
    multiplySmall: ({ point }, factor) => wrap(doubleAndAdd(point, factor, (a, b) => a.add(b))),
  });
}

function uncompressed(bytes: Uint8Array): Uint8Array {
  const format = 'uncompressed';
  const converted = ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, format) as Uint8Array;
  const own = new Uint8Array(converted);
  converted.fill(0);
  return own;
}

/**
 * OpenSSL's key agreement gives, in constant time, the x-coordinate of scalar·element and no more. The sign of y
 * follows from a second one, the x-coordinate of (scalar + 1)·element: only one of the two candidates, added to the
 * element, has it. Works on encodings of 65 bytes and scalars other than zero.
 */
function createMultiplier(scalars: ScalarField) {
  const { one } = scalars;
  const agreement = createECDH('prime256v1');
  const xOf = (scalar: Uint8Array, element: Uint8Array): Uint8Array => {
    agreement.setPrivateKey(scalar);
    return agreement.computeSecret(element);
  };
  /** Leaves no secret in the agreement. */
  const forget = <T>(result: T): T => {
    agreement.setPrivateKey(one);
    return result;
  };
  const multiplyOnce = (element: Uint8Array, scalar: Scalar | SecretScalar): Uint8Array => {
    const first = xOf(scalar, element);
    const candidate = Uint8Array.of(2, ...first);
    const even = uncompressed(candidate);
    first.fill(0);
    candidate.fill(0);
    // The scalar is 1 or −1, which does not happen to a secret.
    if (sameX(even, element)) return isOne(scalar) ? element.slice() : negated(element);
    const next = scalars.add(scalar, one);
    const x = xOf(next, element);
    next.fill(0);
    const isEven = addsUpTo(element, even, x);
    x.fill(0);
    const product = negatedUnless(isEven, even);
    even.fill(0);
    return product;
  };
  return {
    multiplyBase(scalar: Uint8Array): Uint8Array {
      agreement.setPrivateKey(scalar);
      return forget(new Uint8Array(agreement.getPublicKey(null, 'uncompressed')));
    },
    multiply: (element: Uint8Array, scalar: Scalar | SecretScalar) => forget(multiplyOnce(element, scalar)),
  };
}

function isOne(scalar: Uint8Array): boolean {
  return scalar[31] === 1;
}

function sameX(a: Uint8Array, b: Uint8Array): boolean {
  return equalBytes(a.subarray(1, 33), b.subarray(1, 33));
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

/** Any bytes. Variable-time, public data. */
function isEncodedBy(element: P256Element, bytes: Uint8Array): boolean {
  try {
    return new P256Element(uncompressed(bytes)).point.equals(element.point);
  } catch {
    return false;
  }
}
