import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';

/** A single private key, as old wallets and Bitcoin Core write it. Whoever reads it wipes it. */
export interface SinglePrivateKey {
  /** Else of a test network. */
  readonly isMain: boolean;
  /** Whether its public key is to be written in 33 bytes, as Taproot wants it. */
  readonly isCompressed: boolean;
  /** 32 bytes: a scalar, not checked. */
  readonly key: Uint8Array;
}

const base58check = createBase58check(sha256);
const MAIN = 0x80;
const TEST = 0xef;
const LENGTH = 33;

/**
 * Reads the wallet import format (WIF).
 * @returns null for anything else, and for one that is mistyped or cut
 * Source: Bitcoin Core, EncodeSecret in key_io.cpp
 */
export function readWif(text: string): SinglePrivateKey | null {
  let bytes: Uint8Array;
  try {
    bytes = base58check.decode(text);
  } catch {
    return null;
  }
  try {
    const isCompressed = bytes.length === LENGTH + 1 && bytes[LENGTH] === 1;
    if (!isCompressed && bytes.length !== LENGTH) return null;
    if (bytes[0] !== MAIN && bytes[0] !== TEST) return null;
    return { isMain: bytes[0] === MAIN, isCompressed, key: bytes.slice(1, LENGTH) };
  } finally {
    bytes.fill(0);
  }
}
