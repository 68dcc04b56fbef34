import { equalBytes } from '@ckm/foundation';
import {
  assertSameLength,
  assertSmallFactor,
  elementForeign,
  elementIdentity,
  elementInvalid,
} from '../element-errors.js';
import type { Element, Group, Scalar, SecretScalar } from '../group.js';
import { createScalarField } from '../scalar-field.js';

/** A library that computes on 32-byte encodings, as libsodium does. */
export interface EncodedArithmetic {
  /** scalar·G for a scalar that is not zero; constant-time. */
  multiplyBase(scalar: Uint8Array): Uint8Array;
  /**
   * scalar·element for a scalar that is not zero; constant-time. Undefined unless the element is canonical, in the
   * prime-order group and not the identity: libsodium checks all of that on each multiplication.
   */
  multiply(scalar: Uint8Array, element: Uint8Array): Uint8Array | undefined;
  /** Undefined when an operand is not on the curve. Takes the identity. */
  add(a: Uint8Array, b: Uint8Array): Uint8Array | undefined;
  negate(element: Uint8Array): Uint8Array;
  /** Canonical, in the prime-order group, not the identity. */
  isValid(element: Uint8Array): boolean;
  /** Canonical, on the curve when added to something, not the identity; may carry torsion. */
  isPlausible(element: Uint8Array): boolean;
}

export interface EncodedGroupParameters {
  readonly name: 'ed25519' | 'ristretto255';
  readonly backend: string;
  readonly identity: Uint8Array;
  readonly arithmetic: EncodedArithmetic;
}

/** 2^252 + 27742317777372353535851937790883648493. Source: RFC 8032 §5.1, RFC 9496 §4.4 */
const ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

/** Above so many additions a small multiple is cheaper as a full multiplication. */
const ADDITIONS_WORTH_A_MULTIPLICATION = 5;

class EncodedElement implements Element {
  constructor(
    readonly __element: 'ed25519' | 'ristretto255',
    readonly backend: string,
    readonly bytes: Uint8Array,
  ) {}
}

/** A group whose elements stay in their 32-byte encoding between operations. */
export function createEncodedGroup(parameters: EncodedGroupParameters): Group {
  const { name, backend, arithmetic } = parameters;
  const scalars = createScalarField(ORDER, true);
  const wrap = (bytes: Uint8Array): Element => new EncodedElement(name, backend, bytes);
  const identity = wrap(parameters.identity);
  const generator = wrap(arithmetic.multiplyBase(scalars.one));
  const bytesOf = (element: Element): Uint8Array => {
    if (element instanceof EncodedElement && element.backend === backend && element.__element === name) {
      return element.bytes;
    }
    throw elementForeign(name);
  };
  const isIdentity = (element: Element): boolean => equalBytes(bytesOf(element), parameters.identity);
  const present = (bytes: Uint8Array | undefined): Uint8Array => {
    if (bytes === undefined) throw elementInvalid(name);
    return bytes;
  };
  const addBytes = (a: Uint8Array, b: Uint8Array): Uint8Array => present(arithmetic.add(a, b));
  const sumBytes = (all: readonly Uint8Array[]): Uint8Array =>
    all.length === 0 ? parameters.identity : all.reduce(addBytes);
  const multiplyBase = (scalar: Scalar | SecretScalar): Element =>
    scalars.isZero(scalar) ? identity : wrap(arithmetic.multiplyBase(scalar));
  const multiply = (element: Element, scalar: Scalar | SecretScalar): Element => {
    if (element === generator) return multiplyBase(scalar);
    if (scalars.isZero(scalar) || isIdentity(element)) return identity;
    return wrap(present(arithmetic.multiply(scalar, bytesOf(element))));
  };
  const decode = (bytes: Uint8Array): Element => {
    if (!isEncoding(bytes) || !arithmetic.isValid(bytes)) throw elementInvalid(name);
    return wrap(copy(bytes));
  };
  const mulSmall = (element: Element, factor: number): Element => {
    assertSmallFactor(factor);
    if (factor === 0) return identity;
    if (additionsFor(factor) > ADDITIONS_WORTH_A_MULTIPLICATION) {
      return multiply(element, scalars.fromInteger(factor));
    }
    return wrap(doubleAndAdd(bytesOf(element), factor, addBytes));
  };
  return {
    name,
    backend,
    scalars,
    elementByteLength: 32,
    generator,
    identity,
    decode,
    decodeAndMul(bytes, scalar) {
      if (scalars.isZero(scalar)) return multiply(decode(bytes), scalar);
      if (!isEncoding(bytes)) throw elementInvalid(name);
      return wrap(present(arithmetic.multiply(scalar, bytes)));
    },
    decodeAndSum(encodings) {
      for (const bytes of encodings) {
        if (!isEncoding(bytes) || !arithmetic.isPlausible(bytes)) throw elementInvalid(name);
      }
      const sum = copy(sumBytes(encodings));
      if (!equalBytes(sum, parameters.identity) && !arithmetic.isValid(sum)) throw elementInvalid(name);
      return wrap(sum);
    },
    encode(element) {
      if (isIdentity(element)) throw elementIdentity(name);
      return bytesOf(element).slice();
    },
    isIdentity,
    equal: (a, b) => equalBytes(bytesOf(a), bytesOf(b)),
    add: (a, b) => wrap(addBytes(bytesOf(a), bytesOf(b))),
    sum: (elements) => wrap(sumBytes(elements.map(bytesOf))),
    negate: (a) => (isIdentity(a) ? identity : wrap(arithmetic.negate(bytesOf(a)))),
    mulBase: multiplyBase,
    mulSecret: multiply,
    mulBasePublic: multiplyBase,
    mulPublic: multiply,
    mulSmall,
    msm(elements, factors) {
      assertSameLength(elements, factors);
      const products = elements.map((element, i) => multiply(element, factors[i]!));
      return wrap(sumBytes(products.filter((product) => product !== identity).map(bytesOf)));
    },
  };
}

function isEncoding(bytes: unknown): bytes is Uint8Array {
  return bytes instanceof Uint8Array && bytes.length === 32;
}

/** A plain copy, also of a Node buffer, whose own `slice` shares memory. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function additionsFor(factor: number): number {
  const bits = factor.toString(2);
  return bits.length - 1 + bits.replaceAll('0', '').length - 1;
}

/** factor·element for a factor of 1 or more, from its highest bit down. */
function doubleAndAdd(
  element: Uint8Array,
  factor: number,
  add: (a: Uint8Array, b: Uint8Array) => Uint8Array,
): Uint8Array {
  let multiple = element;
  for (let bit = 30 - Math.clz32(factor); bit >= 0; bit--) {
    multiple = add(multiple, multiple);
    if ((factor >>> bit) & 1) multiple = add(multiple, element);
  }
  return multiple;
}
