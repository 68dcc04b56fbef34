// The few functions used of modules whose own types would bring all of Node's globals into this room.
declare module 'node:crypto' {
  interface KeyAgreement {
    setPrivateKey(key: Uint8Array): void;
    getPublicKey(encoding: null, format: 'uncompressed'): Uint8Array;
    computeSecret(otherPublicKey: Uint8Array): Uint8Array;
  }
  export function createECDH(curve: 'prime256v1'): KeyAgreement;
  export const ECDH: {
    convertKey(
      key: Uint8Array,
      curve: 'prime256v1',
      inputEncoding: undefined,
      outputEncoding: undefined,
      format: 'uncompressed',
    ): Uint8Array;
  };
  interface Cipher {
    setAAD(associatedData: Uint8Array): void;
    update(bytes: Uint8Array): Uint8Array;
    final(): Uint8Array;
  }
  export function createCipheriv(
    name: 'aes-256-gcm',
    key: Uint8Array,
    nonce: Uint8Array,
  ): Cipher & { getAuthTag(): Uint8Array };
  export function createCipheriv(
    name: 'aes-256-ecb',
    key: Uint8Array,
    nonce: null,
  ): Cipher & { setAutoPadding(padding: boolean): void };
  export function createDecipheriv(
    name: 'aes-256-gcm',
    key: Uint8Array,
    nonce: Uint8Array,
    options: { readonly authTagLength: 16 },
  ): Cipher & { setAuthTag(tag: Uint8Array): void };
  export function hash(name: 'sha256' | 'sha512', message: Uint8Array, format: 'buffer'): Uint8Array;
}

declare module 'sodium-native' {
  interface SodiumNative {
    crypto_scalarmult_ed25519_base_noclamp(out: Uint8Array, scalar: Uint8Array): void;
    crypto_scalarmult_ed25519_noclamp(out: Uint8Array, scalar: Uint8Array, element: Uint8Array): void;
    crypto_core_ed25519_add(out: Uint8Array, a: Uint8Array, b: Uint8Array): void;
    crypto_core_ed25519_sub(out: Uint8Array, a: Uint8Array, b: Uint8Array): void;
    crypto_core_ed25519_is_valid_point(element: Uint8Array): boolean;
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      plaintext: Uint8Array,
      associatedData: Uint8Array | null,
      unused: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): void;
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext: Uint8Array,
      unused: null,
      ciphertext: Uint8Array,
      associatedData: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): void;
  }
  const sodium: SodiumNative;
  export default sodium;
}

declare module 'secp256k1/bindings.js' {
  export interface LibSecp256k1 {
    contextRandomize(seed: Uint8Array): void;
    publicKeyCreate(secretKey: Uint8Array, compressed: boolean): Uint8Array;
    publicKeyConvert(publicKey: Uint8Array, compressed: boolean): Uint8Array;
    publicKeyNegate(publicKey: Uint8Array, compressed: boolean): Uint8Array;
    publicKeyCombine(publicKeys: readonly Uint8Array[], compressed: boolean): Uint8Array;
    publicKeyTweakMul(publicKey: Uint8Array, tweak: Uint8Array, compressed: boolean): Uint8Array;
    ecdh(
      publicKey: Uint8Array,
      secretKey: Uint8Array,
      options: { readonly hashfn: (x: Uint8Array, y: Uint8Array) => Uint8Array },
      output: Uint8Array,
    ): Uint8Array;
  }
  const library: LibSecp256k1;
  export default library;
}
