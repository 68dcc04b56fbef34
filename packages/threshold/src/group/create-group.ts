import { equalBytes } from '@ckm/foundation';
import {
  assertSameLength,
  assertSmallFactor,
  elementForeign,
  elementIdentity,
  elementInvalid,
} from './element-errors.js';
import type { BackendGrade, Element, Group, GroupName, Scalar, ScalarField, SecretScalar } from './group.js';

/**
 * What one library has to offer for one group. The identity and the scalar zero, which some libraries cannot express,
 * stay outside, and so do all refusals: {@link createGroup} deals with them once, for every backend alike.
 */
export interface Arithmetic<E extends Element> {
  readonly name: GroupName;
  readonly backend: string;
  readonly grade: BackendGrade;
  readonly scalars: ScalarField;
  readonly elementByteLength: number;
  readonly identity: E;
  readonly generator: E;
  isOwn(element: unknown): element is E;
  isIdentity(element: E): boolean;
  equal(a: E, b: E): boolean;
  /** Canonical, in the prime-order group, not the identity: else undefined or any exception. Right length given. */
  decode(bytes: Uint8Array): E | undefined;
  /** Both at once, where that is cheaper; scalar not zero. Refuses as `decode` does. */
  decodeAndMultiply?(bytes: Uint8Array, scalar: Scalar): E | undefined;
  /** See {@link Group.decodeAndSum}, where that is cheaper. One encoding or more. */
  decodeAndSum?(encodings: readonly Uint8Array[]): E | undefined;
  /** Of an element other than the identity. */
  encode(element: E): Uint8Array;
  /** Whether {@link encode} gives these bytes of the right length, where that is cheaper to compare; any bytes. */
  encodesTo?(element: E, bytes: Uint8Array): boolean;
  /** One element or more; any may be the identity. */
  sum(elements: readonly E[]): E;
  /** Of an element other than the identity. */
  negate(element: E): E;
  /** Constant-time; scalar not zero. */
  multiplyBase(scalar: Scalar | SecretScalar): E;
  /** Constant-time; scalar not zero, element not the identity. */
  multiplySecret(element: E, scalar: SecretScalar): E;
  /** Overwrites an element that nobody else holds, where elements are bytes. */
  wipeElement?(element: E): void;
  /** Scalar not zero, element not the identity. */
  multiplyPublic(element: E, scalar: Scalar): E;
  /** Σ scalarᵢ·elementᵢ where that is cheaper than one by one; two terms or more, any of them zero. */
  multiplySum?(elements: readonly E[], factors: readonly Scalar[]): E;
  /** 2 ≤ factor ≤ 65535, element not the identity. */
  multiplySmall(element: E, factor: number): E;
}

type Own<E> = (element: Element) => E;

/** The {@link Group} over one library. */
export function createGroup<E extends Element>(arithmetic: Arithmetic<E>): Group {
  const { name, backend, grade, scalars, elementByteLength, generator, identity } = arithmetic;
  const own: Own<E> = (element) => {
    if (arithmetic.isOwn(element)) return element;
    throw elementForeign(name);
  };
  return {
    name,
    backend,
    grade,
    scalars,
    elementByteLength,
    generator,
    identity,
    ...encodings(arithmetic, own),
    ...additions(arithmetic, own),
    ...multiplications(arithmetic, own),
  };
}

function encodings<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<Group, 'decode' | 'decodeAndMul' | 'decodeAndSum' | 'encode' | 'encodesTo'> {
  const { name, scalars, identity, elementByteLength } = arithmetic;
  /** One refusal for everything, so that it tells nothing about why. */
  const read = (all: readonly Uint8Array[], parse: () => E | undefined): E => {
    if (!all.every((bytes) => bytes instanceof Uint8Array && bytes.length === elementByteLength)) {
      throw elementInvalid(name);
    }
    const element = attempt(parse);
    if (element === undefined) throw elementInvalid(name);
    return element;
  };
  const decode = (bytes: Uint8Array): E => read([bytes], () => arithmetic.decode(bytes));
  return {
    decode,
    decodeAndMul(bytes, scalar) {
      if (arithmetic.decodeAndMultiply === undefined || scalars.isZero(scalar)) {
        const element = decode(bytes);
        return scalars.isZero(scalar) ? identity : arithmetic.multiplyPublic(element, scalar);
      }
      return read([bytes], () => arithmetic.decodeAndMultiply!(bytes, scalar));
    },
    decodeAndSum(all) {
      if (all.length === 0) return identity;
      if (arithmetic.decodeAndSum === undefined) return arithmetic.sum(all.map(decode));
      return read(all, () => arithmetic.decodeAndSum!(all));
    },
    encode(element) {
      const mine = own(element);
      if (arithmetic.isIdentity(mine)) throw elementIdentity(name);
      return arithmetic.encode(mine);
    },
    encodesTo(element, bytes) {
      const mine = own(element);
      if (arithmetic.isIdentity(mine) || bytes.length !== elementByteLength) return false;
      return arithmetic.encodesTo?.(mine, bytes) ?? equalBytes(arithmetic.encode(mine), bytes);
    },
  };
}

function attempt<T>(parse: () => T | undefined): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function additions<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<Group, 'isIdentity' | 'equal' | 'add' | 'sum' | 'negate'> {
  const { identity } = arithmetic;
  return {
    isIdentity: (element) => arithmetic.isIdentity(own(element)),
    equal: (a, b) => arithmetic.equal(own(a), own(b)),
    add: (a, b) => arithmetic.sum([own(a), own(b)]),
    sum: (elements) => (elements.length === 0 ? identity : arithmetic.sum(elements.map(own))),
    negate(a) {
      const mine = own(a);
      return arithmetic.isIdentity(mine) ? identity : arithmetic.negate(mine);
    },
  };
}

function multiplications<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<
  Group,
  'mulBase' | 'mulSecret' | 'mulSecretEncoded' | 'mulBasePublic' | 'mulPublic' | 'mulSmall' | 'msm'
> {
  const { name, scalars, identity, generator } = arithmetic;
  const multiplyBase = (scalar: Scalar | SecretScalar): E =>
    scalars.isZero(scalar) ? identity : arithmetic.multiplyBase(scalar);
  const multiplyPublic = (element: Element, scalar: Scalar): E => {
    if (element === generator) return multiplyBase(scalar);
    const mine = own(element);
    return scalars.isZero(scalar) || arithmetic.isIdentity(mine)
      ? identity
      : arithmetic.multiplyPublic(mine, scalar);
  };
  const multiplySecret = (element: Element, scalar: SecretScalar): E => {
    const mine = own(element);
    return scalars.isZero(scalar) || arithmetic.isIdentity(mine)
      ? identity
      : arithmetic.multiplySecret(mine, scalar);
  };
  return {
    mulBase: multiplyBase,
    mulSecret: multiplySecret,
    mulSecretEncoded(element, scalar) {
      const product = multiplySecret(element, scalar);
      if (arithmetic.isIdentity(product)) throw elementIdentity(name);
      const encoded = arithmetic.encode(product);
      arithmetic.wipeElement?.(product);
      return encoded;
    },
    mulBasePublic: multiplyBase,
    mulPublic: multiplyPublic,
    mulSmall(element, factor) {
      assertSmallFactor(factor);
      const mine = own(element);
      if (factor === 0 || arithmetic.isIdentity(mine)) return identity;
      return factor === 1 ? mine : arithmetic.multiplySmall(mine, factor);
    },
    msm(elements, factors) {
      assertSameLength(elements, factors);
      if (elements.length === 0) return identity;
      if (elements.length > 1 && arithmetic.multiplySum !== undefined) {
        return arithmetic.multiplySum(elements.map(own), factors);
      }
      return arithmetic.sum(elements.map((element, i) => multiplyPublic(element, factors[i]!)));
    },
  };
}
