import { destinationOf } from '../script/destination.js';
import { encodeSize } from '../script/bytes.js';
import type { BitcoinInput, BitcoinRequest } from '../psbt/parse.js';
import { SIGHASH_DEFAULT } from './sighash.js';

/** Witness weight of one key-path spend with the default sighash: count, length, signature. */
const KEY_PATH_WEIGHT = 66;

/** What spending a coin adds to the weight beyond its 41 bytes; a guess where it is somebody else's. */
function spendingWeight(input: BitcoinInput): number {
  const destination = destinationOf(input.script);
  const keyPath = KEY_PATH_WEIGHT + (signatureNamesType(input) ? 1 : 0);
  if (destination.type !== 'address') return keyPath;
  return {
    p2tr: keyPath,
    future: keyPath,
    p2wpkh: 108,
    p2wsh: 254,
    p2pkh: 4 * 107 + 1,
    p2sh: 4 * 23 + 108,
  }[destination.form];
}

/** A signature that does not sign by default says in a 65th byte how it signs. */
function signatureNamesType({ sighashType = SIGHASH_DEFAULT, keySignature }: BitcoinInput): boolean {
  return keySignature === undefined ? sighashType !== SIGHASH_DEFAULT : keySignature.length === 65;
}

function sizeOfSize(length: number): number {
  return encodeSize(length).length;
}

/** Size of the finished transaction in virtual bytes; exact when every coin is the key's. Source: BIP-141 */
export function estimateVirtualBytes({ inputs, outputs }: BitcoinRequest): number {
  const plain =
    8 +
    sizeOfSize(inputs.length) +
    41 * inputs.length +
    sizeOfSize(outputs.length) +
    outputs.reduce((sum, { script }) => sum + 8 + sizeOfSize(script.length) + script.length, 0);
  const witness = 2 + inputs.reduce((sum, input) => sum + spendingWeight(input), 0);
  return Math.ceil((4 * plain + witness) / 4);
}

/** Tenths of a satoshi per virtual byte, rounded. */
export function feeRateTenths(feeSats: bigint, virtualBytes: number): bigint {
  const size = BigInt(virtualBytes);
  return (feeSats * 10n + size / 2n) / size;
}
