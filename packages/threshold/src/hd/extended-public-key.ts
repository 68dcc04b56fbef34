import { concatBytes, UsageError } from '@ckm/foundation';
import type { PublicKeyPackage } from '../key/public-package.js';

/** First four bytes of an extended public key. Source: BIP-32, "Serialization format" */
export const EXTENDED_KEY_VERSIONS = { mainnet: 0x0488b21e, testnet: 0x043587cf } as const;

export type ExtendedKeyNetwork = keyof typeof EXTENDED_KEY_VERSIONS;

/**
 * What wallets know as an xpub (tpub), before base58check: 78 bytes. It presents the collective key as a master key
 * (depth 0, no parent), so wallet paths below it are those of `deriveKey`. Whoever has it sees all addresses.
 * @throws UsageError `EXTENDED_KEY_UNSUPPORTED` unless the key is on secp256k1
 * Source: BIP-32, "Serialization format"
 */
export function encodeExtendedPublicKey(parent: PublicKeyPackage, network: ExtendedKeyNetwork): Uint8Array {
  if (parent.suite !== 'secp256k1' && parent.suite !== 'secp256k1-tr') {
    throw new UsageError(`a ${parent.suite} key has no extended public key`, {
      code: 'EXTENDED_KEY_UNSUPPORTED',
      hint: 'use a secp256k1 or secp256k1-tr key',
    });
  }
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, EXTENDED_KEY_VERSIONS[network]);
  return concatBytes(header, parent.chainCode, parent.groupKey);
}
