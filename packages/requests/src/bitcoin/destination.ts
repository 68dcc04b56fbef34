import { concatBytes } from '@ckm/foundation';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32, bech32m, createBase58check } from '@scure/base';
import type { BitcoinNetwork } from '../kind.js';

/** Where an output's coins go, told by its exact bytes: what merely means the same is `unknown`. */
export type Destination =
  | { readonly type: 'address'; readonly form: AddressForm; readonly address: string }
  /** OP_RETURN: nobody can ever spend it. */
  | { readonly type: 'data'; readonly data: Uint8Array }
  /** Pay-to-anchor: anybody can spend it. */
  | { readonly type: 'anchor' }
  /** Looks like taproot, but no key has that x coordinate: lost. */
  | { readonly type: 'unspendable' }
  | { readonly type: 'unknown' };

export type AddressForm = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr';

interface AddressPrefixes {
  readonly bech32: string;
  readonly keyHash: number;
  readonly scriptHash: number;
}

const TEST_PREFIXES = { bech32: 'tb', keyHash: 0x6f, scriptHash: 0xc4 };
const PREFIXES: Record<BitcoinNetwork, AddressPrefixes> = {
  bitcoin: { bech32: 'bc', keyHash: 0x00, scriptHash: 0x05 },
  testnet: TEST_PREFIXES,
  signet: TEST_PREFIXES,
  regtest: { ...TEST_PREFIXES, bech32: 'bcrt' },
};

const base58check = createBase58check(sha256);
const OP_RETURN = 0x6a;

function matches(
  script: Uint8Array,
  length: number,
  head: readonly number[],
  tail: readonly number[] = [],
): boolean {
  return (
    script.length === length &&
    head.every((byte, at) => script[at] === byte) &&
    tail.every((byte, at) => script[length - tail.length + at] === byte)
  );
}

function base58Address(version: number, hash: Uint8Array): string {
  return base58check.encode(concatBytes(Uint8Array.of(version), hash));
}

function witnessAddress(prefix: string, version: number, program: Uint8Array): string {
  const coder = version === 0 ? bech32 : bech32m;
  return coder.encode(prefix, [version, ...coder.toWords(program)]);
}

/** Whether some key has this x coordinate. */
function isXOnlyKey(x: Uint8Array): boolean {
  try {
    secp256k1.Point.fromBytes(concatBytes(Uint8Array.of(2), x));
    return true;
  } catch {
    return false;
  }
}

/** The output script of a taproot output key (32 bytes, x only). Source: BIP-341 */
export function taprootScript(outputKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x51, 0x20), outputKey);
}

/** The content of one direct push; anything else as it is. */
function pushedData(pushes: Uint8Array): Uint8Array {
  const isOnePush = pushes[0] === pushes.length - 1 && pushes.length <= 76;
  return isOnePush ? pushes.subarray(1) : pushes;
}

function addressOf(form: AddressForm, address: string): Destination {
  return { type: 'address', form, address };
}

function witnessDestination(script: Uint8Array, prefix: string): Destination | null {
  if (matches(script, 34, [0x51, 0x20])) {
    const key = script.subarray(2);
    return isXOnlyKey(key) ? addressOf('p2tr', witnessAddress(prefix, 1, key)) : { type: 'unspendable' };
  }
  if (matches(script, 22, [0x00, 0x14])) {
    return addressOf('p2wpkh', witnessAddress(prefix, 0, script.subarray(2)));
  }
  if (matches(script, 34, [0x00, 0x20])) {
    return addressOf('p2wsh', witnessAddress(prefix, 0, script.subarray(2)));
  }
  return matches(script, 4, [0x51, 0x02, 0x4e, 0x73]) ? { type: 'anchor' } : null;
}

function olderDestination(script: Uint8Array, { keyHash, scriptHash }: AddressPrefixes): Destination | null {
  if (matches(script, 25, [0x76, 0xa9, 0x14], [0x88, 0xac])) {
    return addressOf('p2pkh', base58Address(keyHash, script.subarray(3, 23)));
  }
  if (matches(script, 23, [0xa9, 0x14], [0x87])) {
    return addressOf('p2sh', base58Address(scriptHash, script.subarray(2, 22)));
  }
  return null;
}

/** Reads an output script. Source: BIP-141, BIP-173, BIP-350, BIP-341 */
export function destinationOf(script: Uint8Array, network: BitcoinNetwork = 'bitcoin'): Destination {
  const prefixes = PREFIXES[network];
  const known = witnessDestination(script, prefixes.bech32) ?? olderDestination(script, prefixes);
  if (known !== null) return known;
  if (script[0] === OP_RETURN) return { type: 'data', data: pushedData(script.subarray(1)) };
  return { type: 'unknown' };
}

/** Below this many satoshis nodes do not relay an output. Source: Bitcoin Core, GetDustThreshold at 3 sat/vB */
export function dustLimitSats(destination: Destination): bigint {
  if (destination.type === 'data') return 0n;
  if (destination.type === 'anchor') return 240n;
  if (destination.type !== 'address') return 330n;
  return { p2pkh: 546n, p2sh: 540n, p2wpkh: 294n, p2wsh: 330n, p2tr: 330n }[destination.form];
}
