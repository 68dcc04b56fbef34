import { equalBytes } from '@ckm/foundation';
import { startAgreement } from './agreement.js';
import { type Arithmetic, readerOf } from './arithmetic.js';
import {
  assertSameLength,
  assertSmallFactor,
  assertUniform,
  elementForeign,
  elementIdentity,
  groupWithoutMap,
} from './element-errors.js';
import type { Element, Group, Scalar, SecretScalar } from './group.js';

type Own<E> = (element: Element) => E;

/** The {@link Group} over one library. */
export function createGroup<E extends Element>(arithmetic: Arithmetic<E>): Group {
  const { name, backend, grade, scalars, elementByteLength, generator, identity } = arithmetic;
  const own: Own<E> = (element) => {
    if (arithmetic.isOwn(element)) return element;
    throw elementForeign(name);
  };
  const reading = encodings(arithmetic, own);
  return {
    name,
    backend,
    grade,
    scalars,
    elementByteLength,
    generator,
    identity,
    fromUniform(bytes) {
      assertUniform(bytes);
      if (arithmetic.fromUniform === undefined) throw groupWithoutMap(name);
      return arithmetic.fromUniform(bytes);
    },
    ...reading,
    ...additions(arithmetic, own),
    ...multiplications(arithmetic, own),
    ...verifications(arithmetic, own, reading),
    agree: (scalar) => startAgreement(arithmetic, scalar),
  };
}

function encodings<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<Group, 'decodeAndMul' | 'decodeAndSum' | 'encodeSum' | 'encode' | 'encodesTo'> & {
  decode(bytes: Uint8Array): E;
} {
  const { name, scalars, identity, elementByteLength } = arithmetic;
  const read = readerOf(arithmetic);
  const decode = (bytes: Uint8Array): E => read([bytes], () => arithmetic.decode(bytes));
  const decodeAndSum = (all: readonly Uint8Array[], others: readonly E[]): E => {
    if (all.length === 0) return others.length === 0 ? identity : arithmetic.sum(others);
    if (arithmetic.decodeAndSum === undefined) return arithmetic.sum([...all.map(decode), ...others]);
    return read(all, () => arithmetic.decodeAndSum!(all, others));
  };
  const encode = (element: E): Uint8Array => {
    if (arithmetic.isIdentity(element)) throw elementIdentity(name);
    return arithmetic.encode(element);
  };
  return {
    decode,
    decodeAndMul(bytes, scalar) {
      if (arithmetic.decodeAndMultiply === undefined || scalars.isZero(scalar)) {
        const element = decode(bytes);
        return scalars.isZero(scalar) ? identity : arithmetic.multiplyPublic(element, scalar);
      }
      return read([bytes], () => arithmetic.decodeAndMultiply!(bytes, scalar));
    },
    decodeAndSum: (all, others = []) => decodeAndSum(all, others.map(own)),
    encodeSum(all, others) {
      const mine = others.map(own);
      if (arithmetic.encodeSum === undefined || all.length === 0) return encode(decodeAndSum(all, mine));
      const sum = read(all, () => ({ bytes: arithmetic.encodeSum!(all, mine) }));
      if (sum.bytes === undefined) throw elementIdentity(name);
      return sum.bytes;
    },
    encode: (element) => encode(own(element)),
    encodesTo(element, bytes) {
      const mine = own(element);
      if (arithmetic.isIdentity(mine) || bytes.length !== elementByteLength) return false;
      return arithmetic.encodesTo?.(mine, bytes) ?? equalBytes(arithmetic.encode(mine), bytes);
    },
  };
}

function additions<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<Group, 'isIdentity' | 'equal' | 'add' | 'sum' | 'subtract' | 'negate'> {
  const { identity } = arithmetic;
  const negate = (element: E): E => (arithmetic.isIdentity(element) ? identity : arithmetic.negate(element));
  return {
    isIdentity: (element) => arithmetic.isIdentity(own(element)),
    equal: (a, b) => arithmetic.equal(own(a), own(b)),
    add: (a, b) => arithmetic.sum([own(a), own(b)]),
    sum: (elements) => (elements.length === 0 ? identity : arithmetic.sum(elements.map(own))),
    subtract(a, b) {
      const [from, mine] = [own(a), own(b)];
      return arithmetic.subtract?.(from, mine) ?? arithmetic.sum([from, negate(mine)]);
    },
    negate: (a) => negate(own(a)),
  };
}

function multiplications<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
): Pick<Group, 'mulBase' | 'mulSecret' | 'mulBasePublic' | 'mulPublic' | 'mulSmall' | 'msm'> {
  const { scalars, identity, generator } = arithmetic;
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

function verifications<E extends Element>(
  arithmetic: Arithmetic<E>,
  own: Own<E>,
  { decode, encodesTo }: { decode(bytes: Uint8Array): E; encodesTo: Group['encodesTo'] },
): Pick<Group, 'verify' | 'decodeAndVerify'> {
  const { scalars, identity } = arithmetic;
  const read = readerOf(arithmetic);
  const multiply = (element: E, factor: Scalar): E =>
    scalars.isZero(factor) || arithmetic.isIdentity(element)
      ? identity
      : arithmetic.multiplyPublic(element, factor);
  /** Whether response·G + product encodes to these bytes. */
  const isSum = (response: Scalar, product: E, expected: Uint8Array): boolean => {
    const base = scalars.isZero(response) ? identity : arithmetic.multiplyBase(response);
    return encodesTo(arithmetic.sum([base, product]), expected);
  };
  const verify: Group['verify'] = (element, factor, response, expected) => {
    const mine = own(element);
    const hasZero = scalars.isZero(factor) || scalars.isZero(response) || arithmetic.isIdentity(mine);
    if (arithmetic.verify === undefined || hasZero) {
      return isSum(response, multiply(mine, scalars.negate(factor)), expected);
    }
    const isLong = expected.length === arithmetic.elementByteLength;
    return isLong && arithmetic.verify(mine, factor, response, expected);
  };
  return {
    verify,
    decodeAndVerify(encoded, factor, response, expected) {
      if (arithmetic.decodeAndKeep === undefined || scalars.isZero(factor)) {
        const element = decode(encoded);
        return { element, isRight: verify(element, factor, response, expected) };
      }
      const kept = read([encoded], () => arithmetic.decodeAndKeep!(encoded, scalars.negate(factor)));
      return { element: kept.element, isRight: isSum(response, kept.product, expected) };
    },
  };
}
