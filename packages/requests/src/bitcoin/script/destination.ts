import { concatBytes } from '@ckm/foundation';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32, bech32m, createBase58check } from '@scure/base';
import type { BitcoinNetwork } from '../../kind.js';
import { encodeSize } from './bytes.js';

/** Where an output's coins go, told by its exact bytes: what merely means the same is `unknown`. */
export type Destination =
  | { readonly type: 'address'; readonly form: AddressForm; readonly address: string }
  /** OP_RETURN: nobody can ever spend it. `carried` is what follows. */
  | { readonly type: 'data'; readonly script: Uint8Array; readonly carried: Uint8Array }
  /** Pay-to-anchor: anybody can spend it. */
  | { readonly type: 'anchor' }
  /** Looks like taproot, but no key has that x coordinate; or of version 0 with an impossible length: lost. */
  | { readonly type: 'unspendable'; readonly script: Uint8Array }
  | { readonly type: 'unknown'; readonly script: Uint8Array };

/** `future`: a witness program whose rules are not made yet; until they are, anybody can spend it. */
export type AddressForm = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr' | 'future';

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
const ANCHOR = [0x51, 0x02, 0x4e, 0x73];

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

function addressOf(form: AddressForm, address: string): Destination {
  return { type: 'address', form, address };
}

interface WitnessProgram {
  readonly version: number;
  readonly program: Uint8Array;
}

/** Null for a script of an older kind, whose signature stands in the input itself. Source: BIP-141, "Witness program" */
export function witnessProgramOf(script: Uint8Array): WitnessProgram | null {
  const [opcode, length] = script;
  const isVersion = opcode === 0x00 || (opcode! >= 0x51 && opcode! <= 0x60);
  if (!isVersion || script.length < 4 || script.length > 42 || length !== script.length - 2) return null;
  return { version: opcode === 0x00 ? 0 : opcode! - 0x50, program: script.subarray(2) };
}

function witnessDestination(script: Uint8Array, prefix: string): Destination | null {
  const found = witnessProgramOf(script);
  if (found === null) return null;
  const { version, program } = found;
  const address = () => witnessAddress(prefix, version, program);
  if (version === 0) {
    if (program.length === 20) return addressOf('p2wpkh', address());
    return program.length === 32 ? addressOf('p2wsh', address()) : { type: 'unspendable', script };
  }
  if (version === 1 && program.length === 32) {
    return isXOnlyKey(program) ? addressOf('p2tr', address()) : { type: 'unspendable', script };
  }
  return matches(script, 4, ANCHOR) ? { type: 'anchor' } : addressOf('future', address());
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
  if (script[0] === OP_RETURN) return { type: 'data', script, carried: script.subarray(1) };
  return { type: 'unknown', script };
}

/** Bytes that spending an output takes by the rule for dust: without the signature's discount, and with it. */
const SPENDING_BYTES = { plain: 148, witness: 67 };
const DUST_SATS_PER_BYTE = 3;
const LONGEST_SCRIPT = 10_000;

/** Below this many satoshis nodes do not relay an output. Source: Bitcoin Core, GetDustThreshold at 3 sat/vB */
export function dustLimitSats(script: Uint8Array): bigint {
  if (script[0] === OP_RETURN || script.length > LONGEST_SCRIPT) return 0n;
  const spending = witnessProgramOf(script) === null ? SPENDING_BYTES.plain : SPENDING_BYTES.witness;
  const output = 8 + encodeSize(script.length).length + script.length;
  return BigInt((output + spending) * DUST_SATS_PER_BYTE);
}
