import { BugError } from '@ckm/foundation';
import { groupDigits } from '../text/quote.js';
import { destinationOf } from './destination.js';
import { encodeSize } from './psbt-maps.js';
import type { BitcoinInput, BitcoinRequest } from './parse.js';
import { SIGHASH_DEFAULT } from './sighash.js';

const SATS_PER_BITCOIN = 100_000_000n;
/** Witness weight of one key-path spend with the default sighash: count, length, signature. */
const KEY_PATH_WEIGHT = 66;

/** Digits of an amount below nothing would read as another amount. @throws BugError `AMOUNT_NEGATIVE` */
function assertAmount(sats: bigint): void {
  if (sats >= 0n) return;
  throw new BugError('an amount below nothing was about to be shown', {
    code: 'AMOUNT_NEGATIVE',
    hint: 'do not sign this, and report it with the transaction',
  });
}

/** `0.01200000`, always with eight digits after the point. @throws BugError `AMOUNT_NEGATIVE` */
export function formatBitcoin(sats: bigint): string {
  assertAmount(sats);
  return `${sats / SATS_PER_BITCOIN}.${(sats % SATS_PER_BITCOIN).toString().padStart(8, '0')}`;
}

/** `1,240 sats`. @throws BugError `AMOUNT_NEGATIVE` */
export function formatSats(sats: bigint): string {
  assertAmount(sats);
  return sats === 1n ? '1 sat' : `${groupDigits(sats)} sats`;
}

/** `0.10 %`; what is more than nothing never shows as nothing. @throws BugError `AMOUNT_NEGATIVE` */
export function formatShare(part: bigint, whole: bigint): string {
  assertAmount(part);
  assertAmount(whole);
  if (whole === 0n) return part === 0n ? '0.00 %' : 'all';
  const hundredths = (part * 10_000n + whole / 2n) / whole;
  if (hundredths === 0n && part > 0n) return 'under 0.01 %';
  return `${groupDigits(hundredths / 100n)}.${(hundredths % 100n).toString().padStart(2, '0')} %`;
}

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

/** `4.1 sat/vB`. */
export function formatFeeRate(tenths: bigint): string {
  return `${groupDigits(tenths / 10n)}.${tenths % 10n} sat/vB`;
}
