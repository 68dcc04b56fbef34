import type { Group, GroupName } from '../group.js';

/** Authenticated encryption with a 32-byte key and a 16-byte tag at the end of the ciphertext. */
export interface Cipher {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData?: Uint8Array): Uint8Array;
  /** `undefined` for anything that `seal` with the same key, nonce and associated data would not have written. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    associatedData?: Uint8Array,
  ): Uint8Array | undefined;
}

/** What `#backends` offers: the package's `imports` map picks the file for Node or the one for every other place. */
export interface Backends {
  /** Loads what is only loaded on demand. Whoever computes with secrets waits for it before the first group is used. */
  readonly prepare: () => Promise<void>;
  /** The fastest implementation of each group that could be loaded here. */
  readonly createGroup: Readonly<Record<GroupName, () => Group>>;
  readonly sha256: (message: Uint8Array) => Uint8Array;
  readonly sha512: (message: Uint8Array) => Uint8Array;
  readonly aes256Gcm: Cipher;
  /** Strict and without the cofactor: what libsodium accepts. */
  readonly verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
  /** Whole 16-byte blocks through the block cipher itself, each alone. */
  readonly aes256Blocks: (key: Uint8Array, blocks: Uint8Array) => Uint8Array;
  readonly xchacha20Poly1305: Cipher;
}
