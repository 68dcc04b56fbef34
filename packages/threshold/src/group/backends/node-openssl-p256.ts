import { createECDH, ECDH } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import {
  assertSameLength,
  assertSmallFactor,
  elementForeign,
  elementIdentity,
  elementInvalid,
} from '../element-errors.js';
import type { Element, Group, Scalar, SecretScalar } from '../group.js';
import { bytesToInteger, integerToBytes } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';

type Point = typeof p256.Point.BASE;

const { Point } = p256;
const { Fp } = Point;

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
  const identity: Element = new P256Element(Point.ZERO);
  const generator: Element = new P256Element(Point.BASE);
  const multiplier = createMultiplier(scalars.one, (scalar) => scalars.add(scalar, scalars.one));
  const wrap = (value: Point | Uint8Array): Element => new P256Element(value);
  const multiplyBase = (scalar: Scalar | SecretScalar): Element =>
    scalars.isZero(scalar) ? identity : wrap(multiplier.multiplyBase(scalar));
  const multiply = (element: Element, scalar: Scalar | SecretScalar): Element => {
    if (element === generator) return multiplyBase(scalar);
    const own = ownElement(element);
    if (own.isIdentity || scalars.isZero(scalar)) return identity;
    return wrap(multiplier.multiply(own.bytes, scalar));
  };
  const sum = (elements: readonly Element[]): Element =>
    wrap(elements.reduce((total, element) => total.add(ownElement(element).point), Point.ZERO));
  const decode = (bytes: Uint8Array): Element => wrap(decompress(bytes));
  return {
    name: 'P-256',
    backend: 'openssl',
    scalars,
    elementByteLength: 33,
    generator,
    identity,
    decode,
    decodeAndMul: (bytes, scalar) => multiply(decode(bytes), scalar),
    decodeAndSum: (encodings) => sum(encodings.map(decode)),
    encode(element) {
      const own = ownElement(element);
      if (own.isIdentity) throw elementIdentity('P-256');
      const encoded = own.bytes.slice(0, 33);
      encoded[0] = 2 + (own.bytes[64]! & 1);
      return encoded;
    },
    isIdentity: (element) => ownElement(element).isIdentity,
    equal: (a, b) => ownElement(a).point.equals(ownElement(b).point),
    add: (a, b) => sum([a, b]),
    sum,
    negate: (a) => wrap(ownElement(a).point.negate()),
    mulBase: multiplyBase,
    mulSecret: multiply,
    mulBasePublic: multiplyBase,
    mulPublic: multiply,
    mulSmall(element, factor) {
      assertSmallFactor(factor);
      return wrap(ownElement(element).point.multiplyUnsafe(BigInt(factor)));
    },
    msm(elements, factors) {
      assertSameLength(elements, factors);
      return sum(elements.map((element, i) => multiply(element, factors[i]!)));
    },
  };
}

function ownElement(element: Element): P256Element {
  if (element instanceof P256Element) return element;
  throw elementForeign('P-256');
}

/** Accepts only the one canonical form, prefix 02 or 03. */
function decompress(bytes: Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array && bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3)) {
    try {
      return uncompressed(bytes);
    } catch {
      // falls through to the one error for everything
    }
  }
  throw elementInvalid('P-256');
}

function uncompressed(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, 'uncompressed'));
}

/**
 * OpenSSL's key agreement gives, in constant time, the x-coordinate of scalar·element and no more. The sign of y
 * follows from a second one, the x-coordinate of (scalar + 1)·element: only one of the two candidates, added to the
 * element, has it. Works on encodings of 65 bytes and scalars other than zero.
 */
function createMultiplier(one: Uint8Array, increment: (scalar: Scalar) => Uint8Array) {
  const agreement = createECDH('prime256v1');
  /** Leaves no secret in the agreement once `use` is done. */
  const withKey = <T>(key: Uint8Array, use: () => T): T => {
    agreement.setPrivateKey(key);
    const result = use();
    agreement.setPrivateKey(one);
    return result;
  };
  const xOf = (scalar: Uint8Array, element: Uint8Array): Uint8Array =>
    withKey(scalar, () => agreement.computeSecret(element));
  return {
    multiplyBase: (scalar: Uint8Array): Uint8Array =>
      withKey(scalar, () => new Uint8Array(agreement.getPublicKey(null, 'uncompressed'))),
    multiply(element: Uint8Array, scalar: Scalar | SecretScalar): Uint8Array {
      const even = uncompressed(new Uint8Array([2, ...xOf(scalar, element)]));
      if (sameX(even, element)) return isOne(scalar) ? element : negated(element);
      const next = xOf(increment(scalar as Uint8Array as Scalar), element);
      return addsUpTo(element, even, next) ? even : negated(even);
    },
  };
}

function isOne(scalar: Uint8Array): boolean {
  return scalar[31] === 1;
}

function sameX(a: Uint8Array, b: Uint8Array): boolean {
  return a.subarray(1, 33).every((byte, i) => byte === b[i + 1]);
}

/** Whether a + b has this x-coordinate, for a and b with different ones: (y₂−y₁)² = (x₁+x₂+x)·(x₂−x₁)². */
function addsUpTo(a: Uint8Array, b: Uint8Array, x: Uint8Array): boolean {
  const [x1, y1, x2, y2, x3] = [a.subarray(1, 33), a.subarray(33), b.subarray(1, 33), b.subarray(33), x].map(
    (bytes) => bytesToInteger(bytes, false),
  ) as [bigint, bigint, bigint, bigint, bigint];
  return Fp.eql(Fp.sqr(Fp.sub(y2, y1)), Fp.mul(Fp.create(x1 + x2 + x3), Fp.sqr(Fp.sub(x2, x1))));
}

function negated(bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  result.set(integerToBytes(Fp.neg(bytesToInteger(bytes.subarray(33), false)), false), 33);
  return result;
}
