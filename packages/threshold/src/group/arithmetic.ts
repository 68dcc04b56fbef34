import { elementInvalid } from './element-errors.js';
import type { BackendGrade, Element, GroupName, Scalar, ScalarField, SecretScalar } from './group.js';

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
  decodeAndSum?(encodings: readonly Uint8Array[], others: readonly E[]): E | undefined;
  /** See {@link Group.encodeSum}, where the check of the sum can be left out. One encoding or more; undefined for the identity. */
  encodeSum?(encodings: readonly Uint8Array[], others: readonly E[]): Uint8Array | undefined;
  /** Whether response·G − factor·element encodes to these bytes, where that is cheaper; neither scalar zero; any bytes. */
  verify?(element: E, factor: Scalar, response: Scalar, expected: Uint8Array): boolean;
  /** See {@link decodeAndMultiply}, with the element as well: where multiplying is what checks it. */
  decodeAndKeep?(bytes: Uint8Array, scalar: Scalar): { readonly element: E; readonly product: E } | undefined;
  /** See {@link Group.agree}, where more than `multiplySecret` is to be had; scalar not zero. */
  agree?(scalar: SecretScalar): SecretMultiplier;
  /** See {@link Group.fromUniform}, where the group has such a map; 64 bytes given. */
  fromUniform?(bytes: Uint8Array): E;
  /** Of an element other than the identity. */
  encode(element: E): Uint8Array;
  /** Whether {@link encode} gives these bytes of the right length, where that is cheaper to compare; any bytes. */
  encodesTo?(element: E, bytes: Uint8Array): boolean;
  /** One element or more; any may be the identity. */
  sum(elements: readonly E[]): E;
  /** Where that is cheaper than adding the negative; either may be the identity. */
  subtract?(a: E, b: E): E;
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

/** Refuses as {@link Arithmetic.decode} does. */
export interface SecretMultiplier {
  /** The encoding of scalar·element. */
  multiply(encoded: Uint8Array): Uint8Array | undefined;
  end(): void;
}

type Read = <T>(all: readonly Uint8Array[], parse: () => T | undefined) => T;

/** Reads elements of a group: with one refusal for everything, so that it tells nothing about why. */
export function readerOf<E extends Element>({ name, elementByteLength }: Arithmetic<E>): Read {
  return (all, parse) => {
    if (!all.every((bytes) => bytes instanceof Uint8Array && bytes.length === elementByteLength)) {
      throw elementInvalid(name);
    }
    const result = attempt(parse);
    if (result === undefined) throw elementInvalid(name);
    return result;
  };
}

function attempt<T>(parse: () => T | undefined): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
