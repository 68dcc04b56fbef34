import { equalBytes } from '@ckm/foundation';
import { randomBytes } from '@noble/hashes/utils.js';
import {
  assertSameLength,
  assertSmallFactor,
  elementForeign,
  elementIdentity,
  elementInvalid,
} from '../element-errors.js';
import type { Element, Group, Scalar, SecretScalar } from '../group.js';
import { createScalarField } from '../scalar-field.js';

// The addon itself: the package's own entry would silently fall back to arithmetic that is not constant-time.
const library = await import('secp256k1/bindings.js').then(
  (module) => module.default,
  () => undefined,
);

/** Source: SEC 2 v2.0 §2.4.1 */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The uncompressed form, 65 bytes: to read a compressed one costs a square root. Undefined for the identity. */
class NativeElement implements Element {
  readonly __element = 'secp256k1';
  constructor(readonly bytes: Uint8Array | undefined) {}
}

/** secp256k1 over libsecp256k1 compiled to machine code; undefined where its addon does not load. */
export function createNativeSecp256k1(): Group | undefined {
  if (library === undefined) return undefined;
  const native = library;
  native.contextRandomize(randomBytes(32));
  const scalars = createScalarField(ORDER, false);
  const identity: Element = new NativeElement(undefined);
  const wrap = (bytes: Uint8Array): Element => new NativeElement(bytes);
  const generator = wrap(native.publicKeyCreate(scalars.one, false));
  const multiplyBase = (scalar: Scalar | SecretScalar): Element =>
    scalars.isZero(scalar) ? identity : wrap(native.publicKeyCreate(scalar, false));
  const multiplyPublic = (element: Element, scalar: Scalar): Element => {
    if (element === generator) return multiplyBase(scalar);
    const bytes = bytesOf(element);
    if (bytes === undefined || scalars.isZero(scalar)) return identity;
    return wrap(native.publicKeyTweakMul(bytes, scalar, false));
  };
  const sum = (elements: readonly Element[]): Element => {
    const terms = elements.map(bytesOf).filter((bytes) => bytes !== undefined);
    if (terms.length < 2) return terms.length === 0 ? identity : wrap(terms[0]!);
    try {
      return wrap(native.publicKeyCombine(terms, false));
    } catch {
      // All terms are valid, so the only sum that the library cannot express is the identity.
      return identity;
    }
  };
  const decode = (bytes: Uint8Array): Element =>
    wrap(decompress(bytes, (input) => native.publicKeyConvert(input, false)));
  return {
    name: 'secp256k1',
    backend: 'libsecp256k1',
    scalars,
    elementByteLength: 33,
    generator,
    identity,
    decode,
    decodeAndMul(bytes, scalar) {
      if (scalars.isZero(scalar)) return multiplyPublic(decode(bytes), scalar);
      return wrap(decompress(bytes, (input) => native.publicKeyTweakMul(input, scalar, false)));
    },
    decodeAndSum: (encodings) => sum(encodings.map(decode)),
    encode(element) {
      const bytes = bytesOf(element);
      if (bytes === undefined) throw elementIdentity('secp256k1');
      const encoded = bytes.slice(0, 33);
      encoded[0] = 2 + (bytes[64]! & 1);
      return encoded;
    },
    isIdentity: (element) => bytesOf(element) === undefined,
    equal(a, b) {
      const [x, y] = [bytesOf(a), bytesOf(b)];
      return x === undefined || y === undefined ? x === y : equalBytes(x, y);
    },
    add: (a, b) => sum([a, b]),
    sum,
    negate(a) {
      const bytes = bytesOf(a);
      return bytes === undefined ? identity : wrap(native.publicKeyNegate(bytes, false));
    },
    mulBase: multiplyBase,
    mulSecret(element, scalar) {
      const bytes = bytesOf(element);
      if (bytes === undefined || scalars.isZero(scalar)) return identity;
      const out = new Uint8Array(65);
      native.ecdh(bytes, scalar, { hashfn: joinCoordinates }, out);
      return wrap(out);
    },
    mulBasePublic: multiplyBase,
    mulPublic: multiplyPublic,
    mulSmall(element, factor) {
      assertSmallFactor(factor);
      return factor === 1 ? element : multiplyPublic(element, scalars.fromInteger(factor));
    },
    msm(elements, factors) {
      assertSameLength(elements, factors);
      return sum(elements.map((element, i) => multiplyPublic(element, factors[i]!)));
    },
  };
}

function bytesOf(element: Element): Uint8Array | undefined {
  if (element instanceof NativeElement) return element.bytes;
  throw elementForeign('secp256k1');
}

/** Instead of a hash of the shared point, the point itself. */
function joinCoordinates(x: Uint8Array, y: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(65);
  bytes[0] = 4;
  bytes.set(x, 1);
  bytes.set(y, 33);
  return bytes;
}

/** Lets `read` see only what looks like the one canonical form, prefix 02 or 03. */
function decompress(bytes: Uint8Array, read: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array && bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3)) {
    try {
      return read(bytes);
    } catch {
      // falls through to the one error for everything
    }
  }
  throw elementInvalid('secp256k1');
}
