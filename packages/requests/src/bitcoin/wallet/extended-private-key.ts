import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';

/** An extended private key, as wallets export an account. Whoever reads it wipes it. */
export interface ExtendedPrivateKey {
  /** `xprv`; else `tprv`, of a test network. */
  readonly isMain: boolean;
  /** How many steps below its master key. */
  readonly depth: number;
  /** 32 bytes */
  readonly chainCode: Uint8Array;
  /** 32 bytes: a scalar, not checked. */
  readonly key: Uint8Array;
}

const base58check = createBase58check(sha256);
const LENGTH = 78;
const VERSIONS = { xprv: 0x0488ade4, tprv: 0x04358394 } as const;

/**
 * Reads `xprv…` or `tprv…`.
 * @returns null for anything else, and for one that is mistyped or cut
 * Source: BIP-32, "Serialization format"
 */
export function readExtendedPrivateKey(text: string): ExtendedPrivateKey | null {
  let bytes: Uint8Array;
  try {
    bytes = base58check.decode(text);
  } catch {
    return null;
  }
  try {
    if (bytes.length !== LENGTH || bytes[45] !== 0) return null;
    const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (version !== VERSIONS.xprv && version !== VERSIONS.tprv) return null;
    const isMain = version === VERSIONS.xprv;
    return { isMain, depth: bytes[4]!, chainCode: bytes.slice(13, 45), key: bytes.slice(46) };
  } finally {
    bytes.fill(0);
  }
}
