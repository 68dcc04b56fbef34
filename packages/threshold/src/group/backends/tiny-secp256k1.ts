import { equalBytes } from '@ckm/foundation';
import { createGroup } from '../create-group.js';
import type { Element, Group, SecretScalar } from '../group.js';
import { createModulus, subtractModulo } from '../limbs.js';
import { createScalarField } from '../scalar-field.js';
import { oddDigits, selectPoint, WINDOW_BITS, type WindowTable } from './secret-window.js';
import { compress, isCompressed } from './sec1.js';

/** The functions used of libsecp256k1 compiled to WebAssembly. */
export interface TinySecp256k1 {
  /** Constant-time, but for the comparison of the scalar with zero and the order that its wrapper makes. */
  pointFromScalar(scalar: Uint8Array, compressed: boolean): Uint8Array | null;
  /** Variable-time in the scalar. */
  pointMultiply(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array | null;
  /** Null where the sum is the identity. */
  pointAdd(a: Uint8Array, b: Uint8Array, compressed: boolean): Uint8Array | null;
  /** Throws for anything that is no point. */
  pointCompress(point: Uint8Array, compressed: boolean): Uint8Array;
}

/** Source: SEC 2 v2.0 §2.4.1 */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = createModulus(2n ** 256n - 2n ** 32n - 977n);
const ZERO = new Uint8Array(32);

/** The uncompressed form, 65 bytes: to read a compressed one costs a square root. Undefined for the identity. */
class TinyElement implements Element {
  readonly __element = 'secp256k1';
  readonly bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array | undefined) {
    this.bytes = bytes;
  }
}

/** Not written into the import: the bundler of a page would fail at its `.wasm` file instead of leaving it out. */
const PACKAGE = 'tiny-secp256k1';

/** Undefined where WebAssembly is forbidden or the package is not there: a page names it in an import map. */
export async function loadTinySecp256k1(): Promise<TinySecp256k1 | undefined> {
  return (import(/* @vite-ignore */ PACKAGE) as Promise<TinySecp256k1>).then(
    (library) => library,
    () => undefined,
  );
}

/** secp256k1 over libsecp256k1 compiled to WebAssembly; undefined without the library. */
export function createTinySecp256k1(library: TinySecp256k1 | undefined): Group | undefined {
  if (library === undefined) return undefined;
  const scalars = createScalarField(ORDER, false);
  const identity = new TinyElement(undefined);
  const wrap = (bytes: Uint8Array | null) => (bytes === null ? identity : new TinyElement(bytes));
  const multiply = ({ bytes }: TinyElement, scalar: Uint8Array) =>
    wrap(library.pointMultiply(bytes!, scalar, false));
  const add = (a: TinyElement, b: TinyElement): TinyElement => {
    if (a.bytes === undefined) return b;
    return b.bytes === undefined ? a : wrap(library.pointAdd(a.bytes, b.bytes, false));
  };
  return createGroup<TinyElement>({
    name: 'secp256k1',
    backend: 'tiny-secp256k1',
    grade: 'wasm',
    scalars,
    elementByteLength: 33,
    identity,
    generator: wrap(library.pointFromScalar(scalars.one, false)),
    isOwn: (element) => element instanceof TinyElement,
    isIdentity: ({ bytes }) => bytes === undefined,
    equal: (a, b) =>
      a.bytes === undefined || b.bytes === undefined ? a.bytes === b.bytes : equalBytes(a.bytes, b.bytes),
    // The library would also read other forms.
    decode: (bytes) => (isCompressed(bytes) ? wrap(library.pointCompress(bytes, false)) : undefined),
    encode: ({ bytes }) => compress(bytes!),
    sum: (elements) => elements.reduce(add),
    negate: ({ bytes }) => wrap(negated(bytes!)),
    multiplyBase: (scalar) => wrap(library.pointFromScalar(scalar, false)),
    multiplySecret: ({ bytes }, scalar) => wrap(multiplySecret(library, bytes!, scalar)),
    wipeElement: ({ bytes }) => bytes!.fill(0),
    multiplyPublic: multiply,
    multiplySmall: (element, factor) => multiply(element, scalars.fromInteger(factor)),
  });
}

const SHIFT = Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 << WINDOW_BITS : 0));

/**
 * scalar·point by the same calls with the same kinds of operands whatever the scalar: the library's own multiplication
 * is variable-time, its additions and its multiplication by the public 32 are not. Every digit is odd, so that no
 * step is left out and no sum is the identity.
 */
function multiplySecret(library: TinySecp256k1, point: Uint8Array, scalar: SecretScalar): Uint8Array {
  const table = tableOf(library, point);
  const { digits, isNegated } = oddDigits(scalar);
  let product = point;
  for (const digit of digits) {
    const shifted = library.pointMultiply(product, SHIFT, false)!;
    const term = selectPoint(table, digit);
    if (product !== point) product.fill(0);
    product = library.pointAdd(shifted, term, false)!;
    shifted.fill(0);
    term.fill(0);
  }
  digits.fill(0);
  const other = negated(product);
  // One of two, chosen without a branch.
  for (let i = 33; i < 65; i++) {
    product[i] = (product[i]! & ~-isNegated) | (other[i]! & -isNegated);
  }
  other.fill(0);
  return product;
}

/** −31·P, −29·P … 31·P. */
function tableOf(library: TinySecp256k1, point: Uint8Array): WindowTable {
  const double = library.pointAdd(point, point, false)!;
  const odd = [point];
  while (odd.length < 1 << (WINDOW_BITS - 1)) odd.push(library.pointAdd(odd.at(-1)!, double, false)!);
  return [...odd.map(negated).reverse(), ...odd];
}

/** (x, p − y); constant-time. */
function negated(bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  result.set(subtractModulo(FIELD, ZERO, bytes.subarray(33), false), 33);
  return result;
}
