import { concatBytes, encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32, bech32m, createBase58check } from '@scure/base';
import type { BitcoinNetwork } from '../../kind.js';
import { destinationOf } from './destination.js';

const base58check = createBase58check(sha256);
const LONGEST = 90;
const HASH_BYTES = 20;

/**
 * SHA-256 of the script that an address stands for, in hex, as the fact `destinations` names it.
 * @returns null for what is no address of that network, and for one that is mistyped
 */
export function scriptHashOf(address: string, network: BitcoinNetwork): string | null {
  // Written small: an address may be shown in capitals as a whole.
  const text =
    /^[A-Z0-9]+$/.test(address) && address.includes('1') ? [address, address.toLowerCase()] : [address];
  for (const one of text) {
    const script = scriptsOf(one).find((candidate) => isAddressOf(candidate, one, network));
    if (script !== undefined) return encodeHex(sha256(script));
  }
  return null;
}

/** Whatever is read here counts only where the script is shown as just this address. */
function isAddressOf(script: Uint8Array, address: string, network: BitcoinNetwork): boolean {
  const found = destinationOf(script, network);
  return found.type === 'address' && found.address === address;
}

/** The scripts that a text may stand for, whichever prefix it has. */
function scriptsOf(address: string): readonly Uint8Array[] {
  if (address.length > LONGEST) return [];
  return [witnessScript(address, bech32), witnessScript(address, bech32m), ...olderScripts(address)].filter(
    (script) => script !== null,
  );
}

/** Source: BIP-173, BIP-350, BIP-141 */
function witnessScript(address: string, coder: typeof bech32): Uint8Array | null {
  const { words } = coder.decodeUnsafe(address) ?? {};
  const [version, ...rest] = words ?? [];
  const program = version === undefined ? undefined : coder.fromWordsUnsafe(rest);
  if (version === undefined || program === undefined || program === null || version > 16) return null;
  if (program.length < 2 || program.length > 40) return null;
  const opcode = version === 0 ? 0 : 0x50 + version;
  return concatBytes(Uint8Array.of(opcode, program.length), Uint8Array.from(program));
}

function olderScripts(address: string): readonly Uint8Array[] {
  const hash = olderHash(address);
  if (hash?.length !== HASH_BYTES) return [];
  return [
    concatBytes(Uint8Array.of(0x76, 0xa9, HASH_BYTES), hash, Uint8Array.of(0x88, 0xac)),
    concatBytes(Uint8Array.of(0xa9, HASH_BYTES), hash, Uint8Array.of(0x87)),
  ];
}

function olderHash(address: string): Uint8Array | null {
  try {
    return base58check.decode(address).slice(1);
  } catch {
    return null;
  }
}
