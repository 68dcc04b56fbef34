import { BugError, equalBytes } from '@ckm/foundation';
import { createGroup } from '../create-group.js';
import type { BackendGrade, Element, Group } from '../group.js';
import { createScalarField } from '../scalar-field.js';
import { additionsFor, doubleAndAdd } from './small-multiple.js';

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
  /** As `add`. */
  subtract(a: Uint8Array, b: Uint8Array): Uint8Array | undefined;
  negate(element: Uint8Array): Uint8Array;
  /** Canonical, in the prime-order group, not the identity. */
  isValid(element: Uint8Array): boolean;
  /** See {@link Group.fromUniform}, where the library has it. */
  fromUniform?(bytes: Uint8Array): Uint8Array;
  /** Canonical, on the curve when added to something, not the identity; may carry torsion. */
  isPlausible(element: Uint8Array): boolean;
}

export interface EncodedGroupParameters {
  readonly name: 'ed25519' | 'ristretto255';
  readonly backend: string;
  readonly grade: BackendGrade;
  readonly identity: Uint8Array;
  readonly arithmetic: EncodedArithmetic;
}

/** 2^252 + 27742317777372353535851937790883648493. Source: RFC 8032 §5.1, RFC 9496 §4.4 */
const ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

/** Above so many additions a small multiple is cheaper as a full multiplication. */
const ADDITIONS_WORTH_A_MULTIPLICATION = 5;

class EncodedElement implements Element {
  readonly __element: 'ed25519' | 'ristretto255';
  readonly backend: string;
  readonly bytes: Uint8Array;

  constructor(name: 'ed25519' | 'ristretto255', backend: string, bytes: Uint8Array) {
    this.__element = name;
    this.backend = backend;
    this.bytes = bytes;
  }
}

/** A group whose elements stay in their 32-byte encoding between operations. */
export function createEncodedGroup({
  name,
  backend,
  grade,
  identity,
  arithmetic,
}: EncodedGroupParameters): Group {
  const scalars = createScalarField(ORDER, true);
  const wrap = (bytes: Uint8Array) => new EncodedElement(name, backend, bytes);
  const wrapIfAny = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : wrap(bytes));
  const add = (a: Uint8Array, b: Uint8Array): Uint8Array => present(arithmetic.add(a, b));
  const multiply = ({ bytes }: EncodedElement, scalar: Uint8Array) =>
    wrap(present(arithmetic.multiply(scalar, bytes)));
  /** Undefined unless each encoding is canonical and, where there is more than one, on the curve. */
  const addUp = (encodings: readonly Uint8Array[], others: readonly EncodedElement[]) => {
    if (!encodings.every((bytes) => arithmetic.isPlausible(bytes))) return undefined;
    return new Uint8Array([...encodings, ...others.map(({ bytes }) => bytes)].reduce(add));
  };
  const { fromUniform } = arithmetic;
  return createGroup<EncodedElement>({
    name,
    backend,
    grade,
    scalars,
    elementByteLength: 32,
    ...(fromUniform && { fromUniform: (bytes) => wrap(fromUniform(bytes)) }),
    identity: wrap(identity),
    generator: wrap(arithmetic.multiplyBase(scalars.one)),
    isOwn: (element): element is EncodedElement =>
      element instanceof EncodedElement && element.backend === backend && element.__element === name,
    isIdentity: ({ bytes }) => equalBytes(bytes, identity),
    equal: (a, b) => equalBytes(a.bytes, b.bytes),
    decode: (bytes) => (arithmetic.isValid(bytes) ? wrap(new Uint8Array(bytes)) : undefined),
    decodeAndMultiply: (bytes, scalar) => wrapIfAny(arithmetic.multiply(scalar, bytes)),
    decodeAndKeep(bytes, scalar) {
      const product = arithmetic.multiply(scalar, bytes);
      return product && { element: wrap(new Uint8Array(bytes)), product: wrap(product) };
    },
    decodeAndSum(encodings, others) {
      const sum = addUp(encodings, others);
      if (sum === undefined) return undefined;
      return equalBytes(sum, identity) || arithmetic.isValid(sum) ? wrap(sum) : undefined;
    },
    encodeSum(encodings, others) {
      const sum = present(addUp(encodings, others));
      if (equalBytes(sum, identity)) return undefined;
      // Nothing was added to it that would have shown whether it is on the curve.
      const isAlone = encodings.length + others.length === 1;
      return isAlone && !arithmetic.isValid(sum) ? present(undefined) : sum;
    },
    encode: ({ bytes }) => bytes.slice(),
    sum: (elements) => wrap(elements.map(({ bytes }) => bytes).reduce(add)),
    subtract: (a, b) => wrap(present(arithmetic.subtract(a.bytes, b.bytes))),
    negate: ({ bytes }) => wrap(arithmetic.negate(bytes)),
    multiplyBase: (scalar) => wrap(arithmetic.multiplyBase(scalar)),
    multiplySecret: multiply,
    wipeElement({ bytes }) {
      bytes.fill(0);
    },
    agree: (scalar) => ({
      multiply: (encoded) => arithmetic.multiply(scalar, encoded),
      end: () => undefined,
    }),
    multiplyPublic: multiply,
    multiplySmall(element, factor) {
      if (additionsFor(factor) <= ADDITIONS_WORTH_A_MULTIPLICATION) {
        return wrap(doubleAndAdd(element.bytes, factor, add));
      }
      return multiply(element, scalars.fromInteger(factor));
    },
  });
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes !== undefined) return bytes;
  throw new BugError('libsodium refused an element that it had accepted before', {
    code: 'ELEMENT_LOST',
    hint: 'report this: an element was changed after it was decoded',
  });
}
