/** The groups CKM knows; each name is also the name of its RFC 9591 / COCKTAIL-DKG ciphersuite's group. */
export type GroupName = 'ed25519' | 'ristretto255' | 'secp256k1' | 'P-256';

/**
 * A public scalar: canonical bytes in the group's own order (RFC 9591 §6: little-endian for ed25519 and
 * ristretto255, big-endian for secp256k1 and P-256), always smaller than the group order.
 */
export type Scalar = Uint8Array & { readonly __scalar: 'public' };

/** The same bytes, but secret: it can only enter constant-time operations. */
export type SecretScalar = Uint8Array & { readonly __scalar: 'secret' };

/** A group element, opaque: a backend may keep it decoded. Always in the prime-order group; may be the identity. */
export interface Element {
  readonly __element: GroupName;
}

/**
 * Arithmetic modulo the group order. Operations that touch a {@link SecretScalar} are constant-time where the backend
 * can be, and masked where it cannot; their result is secret. `publish` is the only way from secret to public.
 */
export interface ScalarField {
  readonly order: bigint;
  readonly byteLength: number;
  readonly zero: Scalar;
  readonly one: Scalar;
  /** @throws EncodingError `SCALAR_INVALID` unless canonical (right length, smaller than the order). */
  parse(bytes: Uint8Array): Scalar;
  /** As {@link parse}, for secret bytes; the error never holds them. Copies. */
  parseSecret(bytes: Uint8Array): SecretScalar;
  /** The value modulo the order; public data only. */
  fromInteger(value: number | bigint): Scalar;
  toInteger(value: Scalar): bigint;
  /** Reduces a hash output of 32 to 64 bytes, read in the group's byte order, modulo the order. */
  reduce(bytes: Uint8Array): Scalar;
  reduceSecret(bytes: Uint8Array): SecretScalar;
  isZero(value: Scalar | SecretScalar): boolean;
  equal(a: Scalar | SecretScalar, b: Scalar | SecretScalar): boolean;
  add(a: Scalar, b: Scalar): Scalar;
  add(a: Scalar | SecretScalar, b: Scalar | SecretScalar): SecretScalar;
  subtract(a: Scalar, b: Scalar): Scalar;
  subtract(a: Scalar | SecretScalar, b: Scalar | SecretScalar): SecretScalar;
  multiply(a: Scalar, b: Scalar): Scalar;
  multiply(a: Scalar | SecretScalar, b: Scalar | SecretScalar): SecretScalar;
  negate(a: Scalar): Scalar;
  negate(a: SecretScalar): SecretScalar;
  /** Public scalars only. @throws UsageError `SCALAR_ZERO` for zero. */
  invert(a: Scalar): Scalar;
  /** As {@link invert}, in constant time: a power with a public exponent, some 380 products (Fermat). @throws UsageError `SCALAR_ZERO` */
  invertSecret(a: SecretScalar): SecretScalar;
  /** Declares that a secret may now be seen (a signature share, say); `why` is for the reader. */
  publish(value: SecretScalar, why: string): Scalar;
}

/**
 * How an implementation handles secret scalars: in machine code or WebAssembly that was written to take the same time for
 * all of them, or in JavaScript's bigint, whose time depends on the value.
 */
export type BackendGrade = 'native' | 'wasm' | 'bigint';

/** One secret scalar at work on encoded elements; ended once, by whoever began it. */
export interface Agreement {
  /**
   * The encoding of scalar·element; no other copy of it is left behind where a backend can help it.
   * @throws EncodingError `ELEMENT_INVALID` · UsageError `ELEMENT_IDENTITY` for a scalar that is zero
   */
  pointWith(encoded: Uint8Array): Uint8Array;
  /** The same for the element other·G of a secret that is known: one multiplication of the generator. */
  pointWithOwn(other: SecretScalar): Uint8Array;
  /** Overwrites every point that was handed out. */
  end(): void;
}

/**
 * A prime-order group. What may leak is in the method's name:
 * `mulBase` and `mulSecret` are constant-time in the scalar; `mulPublic`, `mulBasePublic` and `msm` are
 * variable-time and take public data only.
 */
export interface Group {
  readonly name: GroupName;
  /** Which implementation this is: `noble`, `sodium-native`, `libsodium-wasm`, `libsecp256k1`, `tiny-secp256k1` or `openssl`. */
  readonly backend: string;
  readonly grade: BackendGrade;
  readonly scalars: ScalarField;
  readonly elementByteLength: number;
  readonly generator: Element;
  readonly identity: Element;
  /**
   * Canonical, in the prime-order group, not the identity.
   * @throws EncodingError `ELEMENT_INVALID` otherwise.
   */
  decode(bytes: Uint8Array): Element;
  /**
   * `mulPublic(decode(bytes), scalar)`, with one check of the prime-order group where a library would do two.
   * @throws EncodingError `ELEMENT_INVALID`
   */
  decodeAndMul(bytes: Uint8Array, scalar: Scalar): Element;
  /**
   * Sum of encoded elements and of `others`, checked as a sum. Each encoding is canonical, on the curve and not the
   * identity; that the *sum* is in the prime-order group (or is the identity) is checked once, so that on ed25519 single
   * members may hold torsion that cancels out: only for members of which nothing but the sum is used.
   * @throws EncodingError `ELEMENT_INVALID`
   */
  decodeAndSum(encodings: readonly Uint8Array[], others?: readonly Element[]): Element;
  /**
   * The encoding of the same sum, which on ed25519 may still hold torsion: bytes and no element, only for a sum that is
   * compared with an element afterwards. Elsewhere the same as {@link decodeAndSum}.
   * @throws EncodingError `ELEMENT_INVALID` · UsageError `ELEMENT_IDENTITY`
   */
  encodeSum(encodings: readonly Uint8Array[], others: readonly Element[]): Uint8Array;
  /**
   * Whether response·G − factor·element encodes to `expected`, which may be any bytes: the equation of a Schnorr signature.
   * Variable-time, public data only.
   */
  verify(element: Element, factor: Scalar, response: Scalar, expected: Uint8Array): boolean;
  /**
   * As {@link verify}, with the element that `encoded` stands for: on ed25519 multiplying it is what checks it.
   * @throws EncodingError `ELEMENT_INVALID`
   */
  decodeAndVerify(
    encoded: Uint8Array,
    factor: Scalar,
    response: Scalar,
    expected: Uint8Array,
  ): { readonly element: Element; readonly isRight: boolean };
  /**
   * The element that 64 uniformly distributed bytes stand for, so that nobody knows its logarithm. Constant-time where the
   * backend can be: the bytes may come from a password. Of ristretto255 alone.
   * @throws UsageError `GROUP_WITHOUT_MAP` for another group, `LENGTH_MISMATCH`
   * Source: RFC 9496 §4.3.4
   */
  fromUniform(bytes: Uint8Array): Element;
  /** RFC 9591 SerializeElement. @throws UsageError `ELEMENT_IDENTITY` for the identity. */
  encode(element: Element): Uint8Array;
  /** Whether `encode(element)` is these bytes, where comparing is cheaper than encoding; never for the identity. */
  encodesTo(element: Element, bytes: Uint8Array): boolean;
  isIdentity(element: Element): boolean;
  equal(a: Element, b: Element): boolean;
  add(a: Element, b: Element): Element;
  /** Sum of any number of elements; the empty sum is the identity. */
  sum(elements: readonly Element[]): Element;
  subtract(a: Element, b: Element): Element;
  negate(a: Element): Element;
  /** scalar·G, constant-time. */
  mulBase(scalar: SecretScalar): Element;
  /** scalar·element, constant-time. */
  mulSecret(element: Element, scalar: SecretScalar): Element;
  /** Diffie–Hellman with many elements, constant-time. The scalar is the caller's, who keeps it until the end and wipes it. */
  agree(scalar: SecretScalar): Agreement;
  /** scalar·G, variable-time, public data only. */
  mulBasePublic(scalar: Scalar): Element;
  /** scalar·element, variable-time, public data only. */
  mulPublic(element: Element, scalar: Scalar): Element;
  /**
   * factor·element for 0 ≤ factor ≤ 65535, such as a party index; variable-time, public data only.
   * @throws UsageError `FACTOR_INVALID`
   */
  mulSmall(element: Element, factor: number): Element;
  /** Σ scalarᵢ·elementᵢ, variable-time, public data only. @throws UsageError `LENGTH_MISMATCH` */
  msm(elements: readonly Element[], scalars: readonly Scalar[]): Element;
}
