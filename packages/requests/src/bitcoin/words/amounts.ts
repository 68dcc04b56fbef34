import { BugError } from '@ckm/foundation';
import { groupDigits } from '../../text/quote.js';

const SATS_PER_BITCOIN = 100_000_000n;

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

/** `1.40`, of a whole that is not nothing. @throws BugError `AMOUNT_NEGATIVE` */
export function formatTimes(part: bigint, whole: bigint): string {
  assertAmount(part);
  assertAmount(whole);
  const hundredths = (part * 100n + whole / 2n) / whole;
  return `${groupDigits(hundredths / 100n)}.${(hundredths % 100n).toString().padStart(2, '0')}`;
}

/** `4.1 sat/vB`. */
export function formatFeeRate(tenths: bigint): string {
  return `${groupDigits(tenths / 10n)}.${tenths % 10n} sat/vB`;
}
