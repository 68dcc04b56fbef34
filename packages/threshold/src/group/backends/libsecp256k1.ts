import { equalBytes } from '@ckm/foundation';
import { randomBytes } from '@noble/hashes/utils.js';
import { createGroup } from '../create-group.js';
import type { Element, Group, SecretScalar } from '../group.js';
import type { LibSecp256k1 } from 'secp256k1/bindings.js';
import { createScalarField } from '../scalar-field.js';
import { additionsFor, doubleAndAdd } from './small-multiple.js';
import { compress, isCompressed } from './sec1.js';

// The addon itself: the package's own entry would silently fall back to arithmetic that is not constant-time.
const library = await import('secp256k1/bindings.js').then(
  (module) => module.default,
  () => undefined,
);

/** Source: SEC 2 v2.0 §2.4.1 */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Whether the addon loads on this machine. */
export const hasNativeSecp256k1 = library !== undefined;

/** Above so many additions a small multiple is cheaper as a full multiplication. */
const ADDITIONS_WORTH_A_MULTIPLICATION = 3;

/** The uncompressed form, 65 bytes: to read a compressed one costs a square root. Undefined for the identity. */
class NativeElement implements Element {
  readonly __element = 'secp256k1';
  readonly bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array | undefined) {
    this.bytes = bytes;
  }
}

/** secp256k1 over libsecp256k1 compiled to machine code; undefined where its addon does not load. */
export function createNativeSecp256k1(): Group | undefined {
  if (library === undefined) return undefined;
  const native = library;
  native.contextRandomize(randomBytes(32));
  const scalars = createScalarField(ORDER, false);
  const identity = new NativeElement(undefined);
  const wrap = (bytes: Uint8Array) => new NativeElement(bytes);
  const multiply = ({ bytes }: NativeElement, scalar: Uint8Array) =>
    wrap(native.publicKeyTweakMul(bytes!, scalar, false));
  return createGroup<NativeElement>({
    name: 'secp256k1',
    backend: 'libsecp256k1',
    grade: 'native',
    scalars,
    elementByteLength: 33,
    identity,
    generator: wrap(native.publicKeyCreate(scalars.one, false)),
    isOwn: (element) => element instanceof NativeElement,
    isIdentity: ({ bytes }) => bytes === undefined,
    equal: (a, b) =>
      a.bytes === undefined || b.bytes === undefined ? a.bytes === b.bytes : equalBytes(a.bytes, b.bytes),
    decode: (bytes) => (isCompressed(bytes) ? wrap(native.publicKeyConvert(bytes, false)) : undefined),
    decodeAndMultiply: (bytes, scalar) =>
      isCompressed(bytes) ? wrap(native.publicKeyTweakMul(bytes, scalar, false)) : undefined,
    decodeAndSum(encodings, others) {
      if (!encodings.every(isCompressed)) return undefined;
      const terms = others.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
      return combine(native, [...encodings, ...terms], identity);
    },
    encode: ({ bytes }) => compress(bytes!),
    sum: (elements) => sumOf(native, elements, identity),
    negate: ({ bytes }) => wrap(native.publicKeyNegate(bytes!, false)),
    multiplyBase: (scalar) => wrap(native.publicKeyCreate(scalar, false)),
    multiplySecret: ({ bytes }, scalar) => wrap(multiplySecret(native, bytes!, scalar)),
    wipeElement: ({ bytes }) => bytes!.fill(0),
    agree: (scalar) => ({
      multiply(encoded) {
        if (!isCompressed(encoded)) return undefined;
        const product = multiplySecret(native, encoded, scalar);
        const point = compress(product);
        product.fill(0);
        return point;
      },
      end: () => undefined,
    }),
    multiplyPublic: multiply,
    multiplySmall(element, factor) {
      if (additionsFor(factor) > ADDITIONS_WORTH_A_MULTIPLICATION) {
        return multiply(element, scalars.fromInteger(factor));
      }
      return doubleAndAdd(element, factor, (a, b) => sumOf(native, [a, b], identity));
    },
  });
}

function sumOf(
  native: LibSecp256k1,
  elements: readonly NativeElement[],
  identity: NativeElement,
): NativeElement {
  const terms = elements.filter(({ bytes }) => bytes !== undefined);
  if (terms.length < 2) return terms[0] ?? identity;
  return combine(
    native,
    terms.map(({ bytes }) => bytes!),
    identity,
  );
}

/** Sum of encodings of any form. Throws when one is no element. */
function combine(
  native: LibSecp256k1,
  encodings: readonly Uint8Array[],
  identity: NativeElement,
): NativeElement {
  try {
    return new NativeElement(native.publicKeyCombine(encodings, false));
  } catch {
    // The library cannot express the identity and throws for it too; when all terms are good, it is the identity.
    for (const encoding of encodings) native.publicKeyConvert(encoding, false);
    return identity;
  }
}

/** Constant-time; of an encoding of any form. */
function multiplySecret(native: LibSecp256k1, encoding: Uint8Array, scalar: SecretScalar): Uint8Array {
  const out = new Uint8Array(65);
  native.ecdh(encoding, scalar, { hashfn: joinCoordinates }, out);
  JOINED.fill(0);
  return out;
}

/** What {@link joinCoordinates} hands to the library, which copies it: one place, overwritten after each use. */
const JOINED = new Uint8Array(65);

/** Instead of a hash of the shared point, the point itself. */
function joinCoordinates(x: Uint8Array, y: Uint8Array): Uint8Array {
  JOINED[0] = 4;
  JOINED.set(x, 1);
  JOINED.set(y, 33);
  x.fill(0);
  y.fill(0);
  return JOINED;
}
