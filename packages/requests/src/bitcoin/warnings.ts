import type { DescriptionWarning } from '../kind.js';
import { formatInstant } from '../text/instant.js';
import { groupDigits, plural } from '../text/quote.js';
import { dustLimitSats } from './destination.js';
import { formatBitcoin, formatFeeRate, formatSats, formatShare } from './fee.js';
import type { Summary, SummaryOutput } from './summary.js';
import { CHAINS } from './wallet.js';

/** More than one part in twenty of what leaves is a fee to stop at. */
const HIGH_FEE_PART = 20n;
/** Tenths of sat/vB: above the highest rates the network has needed for long, and below what nodes relay. */
const ABSURD_RATE_TENTHS = 5_000n;
const LOW_RATE_TENTHS = 10n;
/** Wallets look for addresses from the first on; this far they seldom look. */
const FAR_INDEX = 100_000;
const LOCKTIME_IS_TIME = 500_000_000;

/** What the fee is compared with: what leaves, or all that moves when nothing leaves. */
export function feeBase({ leavesSats, ownSats }: Summary): { sats: bigint; name: string } {
  return leavesSats > 0n ? { sats: leavesSats, name: 'what leaves' } : { sats: ownSats, name: 'what moves' };
}

function feeWarnings(summary: Summary): DescriptionWarning[] {
  const { feeSats, leavesSats, feeTenthsPerByte: rate } = summary;
  const base = feeBase(summary);
  const warnings: DescriptionWarning[] = [];
  if (feeSats * HIGH_FEE_PART > base.sats) {
    const share = formatShare(feeSats, base.sats);
    warnings.push({
      code: 'FEE_HIGH',
      text: `the fee of ${formatSats(feeSats)} is ${share} of ${base.name}`,
      // As much as is paid, or half of what only moves.
      ...loss(feeSats * (leavesSats > 0n ? 1n : 2n) >= base.sats),
    });
  }
  if (rate > ABSURD_RATE_TENTHS) {
    warnings.push({
      code: 'FEE_RATE_ABSURD',
      text: `the fee rate of ${formatFeeRate(rate)} is far above any usual one`,
      isLoss: true,
    });
  }
  if (rate < LOW_RATE_TENTHS) {
    const text = `the fee rate of ${formatFeeRate(rate)} is so low that it may not be mined for long`;
    warnings.push({ code: 'FEE_RATE_LOW', text });
  }
  return warnings;
}

function loss(isLoss: boolean): Pick<DescriptionWarning, 'isLoss'> {
  return isLoss ? { isLoss } : {};
}

function lossWarning({ amountSats, destination }: SummaryOutput): DescriptionWarning | null {
  const amount = `${formatBitcoin(amountSats)} BTC`;
  switch (destination.type) {
    case 'unknown':
      return {
        code: 'OUTPUT_UNKNOWN_SCRIPT',
        text: `${amount} goes to a script that is no known kind of address`,
        isLoss: true,
      };
    case 'unspendable':
      return {
        code: 'OUTPUT_UNSPENDABLE',
        text: `${amount} goes to a taproot output that no key can spend`,
        isLoss: true,
      };
    case 'data':
      if (amountSats === 0n) return null;
      return {
        code: 'OUTPUT_BURNS',
        text: `${amount} is destroyed: it is attached to data`,
        isLoss: true,
      };
    case 'anchor':
      if (amountSats <= 1_000n) return null;
      return {
        code: 'OUTPUT_FOR_ANYONE',
        text: `${amount} goes to an output that anybody can spend`,
        isLoss: true,
      };
    default:
      return null;
  }
}

function outputWarnings(output: SummaryOutput): DescriptionWarning[] {
  const loss = lossWarning(output);
  const warnings = loss === null ? [] : [loss];
  if (output.amountSats < dustLimitSats(output.destination) && output.destination.type !== 'anchor') {
    const text = `an output of ${formatSats(output.amountSats)} is dust: nodes may not relay it`;
    warnings.push({ code: 'OUTPUT_DUST', text });
  }
  if (output.shared) {
    const text = `${formatBitcoin(output.amountSats)} BTC goes where the key and others can spend it; counted as paid away`;
    warnings.push({ code: 'OUTPUT_SHARED', text });
  }
  return [...warnings, ...pathWarnings(output)];
}

function pathWarnings({ ownPath, amountSats }: SummaryOutput): DescriptionWarning[] {
  if (ownPath === null) return [];
  const [chain, index] = ownPath;
  const watched = ownPath.length === 2 && (chain === CHAINS.receive || chain === CHAINS.change);
  if (!watched) {
    const text = `${formatBitcoin(amountSats)} BTC comes back on the path m/${ownPath.join('/')}, which the wallet does not watch`;
    return [{ code: 'CHANGE_PATH_UNUSUAL', text }];
  }
  if (index! <= FAR_INDEX) return [];
  const text = `${formatBitcoin(amountSats)} BTC comes back on address number ${groupDigits(index!)}, where wallets do not look`;
  return [{ code: 'CHANGE_INDEX_FAR', text }];
}

function lockWarnings({ notBefore, relativeLock }: Summary): DescriptionWarning[] {
  const warnings: DescriptionWarning[] = [];
  if (notBefore > 0) {
    warnings.push({ code: 'LOCKTIME', text: `it cannot be mined before ${formatLockTime(notBefore)}` });
  }
  if (relativeLock)
    warnings.push({ code: 'RELATIVE_LOCK', text: 'it cannot be mined before its coins have aged' });
  return warnings;
}

/** `block 840,000` or a time. Source: BIP-65 for where heights end and times begin */
export function formatLockTime(lockTime: number): string {
  if (lockTime < LOCKTIME_IS_TIME) return `block ${groupDigits(lockTime)}`;
  return formatInstant(lockTime) ?? `second ${lockTime}`;
}

function foreignWarnings({ foreignCoins, foreignSats }: Summary): DescriptionWarning[] {
  if (foreignCoins === 0) return [];
  const coins = plural(foreignCoins, 'coin');
  const text = `${coins} (${formatBitcoin(foreignSats)} BTC) should be somebody else’s; if one is yours, you pay more than is shown`;
  return [{ code: 'FOREIGN_INPUTS', text }];
}

/** All warnings, worst first; the same one is given once. */
export function bitcoinWarnings(summary: Summary): DescriptionWarning[] {
  const all = [
    ...summary.outputs.flatMap(outputWarnings),
    ...foreignWarnings(summary),
    ...feeWarnings(summary),
    ...lockWarnings(summary),
  ];
  const texts = new Set<string>();
  return all.filter(({ text }) => !texts.has(text) && texts.add(text));
}
