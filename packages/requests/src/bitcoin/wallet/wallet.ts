import { encodeHex, UsageError } from '@ckm/foundation';
import {
  deriveKey,
  encodeExtendedPublicKey,
  hasChildren,
  type DerivationPath,
  type PublicKeyPackage,
  type Tweak,
} from '@ckm/threshold';
import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import type { BitcoinNetwork, KeyContext, PublicForm } from '../../kind.js';
import { withChecksum } from './descriptor-checksum.js';
import { destinationOf, taprootScript } from '../script/destination.js';
import { hash160 } from '../script/hash160.js';

/** Receiving addresses are on chain 0, change is on chain 1 (BIP-44). */
export const CHAINS = { receive: 0, change: 1 } as const;
export type WalletChain = keyof typeof CHAINS;

/** An address of a key, with what a wallet writes about it into a PSBT. */
export interface WalletAddress {
  readonly address: string;
  readonly script: Uint8Array;
  /** x coordinate of the derived key, 32 bytes: `tap_internal_key`. */
  readonly internalKey: Uint8Array;
  /** For `tap_bip32_derivation`. */
  readonly fingerprint: number;
  readonly path: DerivationPath;
}

const base58check = createBase58check(sha256);

/** Whether a key has no children: its wallet is one address, the key's own. */
export function isSingleKey({ chainCode }: PublicKeyPackage): boolean {
  return !hasChildren(chainCode);
}

/** The first four bytes of the key's identifier. Source: BIP-32, "Key identifiers" */
export function keyFingerprint({ groupKey }: PublicKeyPackage): number {
  const identifier = hash160(groupKey);
  return new DataView(identifier.buffer, identifier.byteOffset).getUint32(0);
}

/** The x coordinates of the key at a path, before and after the taproot tweak. */
export function taprootKeys(
  key: PublicKeyPackage,
  path: DerivationPath,
  merkleRoot: Uint8Array | null = null,
): { tweak: Tweak; internalKey: Uint8Array; outputKey: Uint8Array } {
  const tweak: Tweak = { path, taproot: { merkleRoot } };
  const derived = deriveKey(key, tweak);
  return { tweak, internalKey: derived.taproot!.internalKey, outputKey: derived.groupKey.slice(1) };
}

/**
 * The key as wallets import it: `xpub…`, or `tpub…` off the main network. Whoever has it sees all addresses.
 * @param key one with children
 */
export function bitcoinXpub(key: PublicKeyPackage, network: BitcoinNetwork = 'bitcoin'): string {
  return base58check.encode(encodeExtendedPublicKey(key, network === 'bitcoin' ? 'mainnet' : 'testnet'));
}

/**
 * The descriptor of the key's wallet, with checksum: `tr([fingerprint]xpub…/<0;1>/*)#…`; of a single key `tr(x coordinate)#…`.
 * @param chain only its addresses, for wallets that do not read BIP-389: `…/0/*`, `…/1/*`
 * Source: BIP-380, BIP-386, BIP-389
 */
export function bitcoinDescriptor(
  key: PublicKeyPackage,
  network: BitcoinNetwork = 'bitcoin',
  chain?: WalletChain,
): string {
  if (isSingleKey(key)) return withChecksum(`tr(${encodeHex(taprootKeys(key, []).internalKey)})`);
  const fingerprint = keyFingerprint(key).toString(16).padStart(8, '0');
  const chains = chain === undefined ? `<${CHAINS.receive};${CHAINS.change}>` : CHAINS[chain];
  return withChecksum(`tr([${fingerprint}]${bitcoinXpub(key, network)}/${chains}/*)`);
}

/**
 * An address of the key's wallet. A single key has one, number 0, on both chains.
 * @throws UsageError `ADDRESS_INDEX_INVALID`
 */
export function bitcoinAddress(
  key: PublicKeyPackage,
  chain: WalletChain,
  index: number,
  network: BitcoinNetwork = 'bitcoin',
): WalletAddress {
  if (!Number.isInteger(index) || index < 0 || index > 0x7fffffff) {
    throw new UsageError('not the number of an address', {
      code: 'ADDRESS_INDEX_INVALID',
      hint: 'use a whole number from 0 to 2147483647',
    });
  }
  if (isSingleKey(key) && index !== 0) {
    throw new UsageError('this key has one address', {
      code: 'ADDRESS_INDEX_INVALID',
      hint: 'ask for number 0, or leave the number out',
    });
  }
  const path = isSingleKey(key) ? [] : [CHAINS[chain], index];
  const { internalKey, outputKey } = taprootKeys(key, path);
  const script = taprootScript(outputKey);
  const destination = destinationOf(script, network);
  const address = destination.type === 'address' ? destination.address : '';
  return { address, script, internalKey, fingerprint: keyFingerprint(key), path };
}

/** The descriptor, and the address that a person compares first. */
export function bitcoinPublicForm({ public: key, network = 'bitcoin' }: KeyContext): PublicForm {
  const value = bitcoinDescriptor(key, network);
  const { address } = bitcoinAddress(key, 'receive', 0, network);
  const isSingle = isSingleKey(key);
  const rows = [
    { label: 'Descriptor', value },
    { label: isSingle ? 'Address' : 'Address 0', value: address },
  ];
  if (isSingle) return { form: 'descriptor', value, rows };
  const parts = {
    receive: bitcoinDescriptor(key, network, 'receive'),
    change: bitcoinDescriptor(key, network, 'change'),
  };
  return { form: 'descriptor', value, rows, parts };
}
