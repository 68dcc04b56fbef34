import { formatSats, formatShare, formatTimes } from './amounts.js';
import type { Summary } from './summary.js';

/** How much the fee is of something else; amounts in satoshis. */
export interface FeeShare {
  /** As much of the fee as is compared. */
  readonly feeSats: bigint;
  readonly baseSats: bigint;
  /** What it is compared with, in words that follow "of". */
  readonly base: string;
  /** Whether that is paid to somebody; else it only moves. */
  readonly isPaid: boolean;
}

/**
 * The fee beside what leaves, or beside all that moves when nobody is paid. Coins of others that only pass through make
 * that larger, so that it is compared with what the key itself pays or moves too, and the larger share is told.
 */
export function feeShareOf(summary: Summary): FeeShare {
  const ofAll = shareOfAll(summary);
  const ofKey = summary.foreignCoins === 0 ? null : shareOfKey(summary);
  return ofKey !== null && isLarger(ofKey, ofAll) ? ofKey : ofAll;
}

function shareOfAll({ feeSats, paysSats, leavesSats, ownSats, foreignSats }: Summary): FeeShare {
  return paysSats > 0n
    ? { feeSats, baseSats: leavesSats, base: 'what leaves', isPaid: true }
    : { feeSats, baseSats: ownSats + foreignSats, base: 'what moves', isPaid: false };
}

/** Nobody can tell who pays the fee of a joint transaction: the key is taken to pay all of it that it can. */
function shareOfKey({ feeSats, ownSats, returnsSats, leavesSats, paysSats }: Summary): FeeShare | null {
  const lossSats = ownSats - returnsSats;
  if (lossSats <= 0n) return null;
  const beyondFeeSats = lossSats - feeSats;
  const incidentalSats = leavesSats - paysSats;
  if (beyondFeeSats > incidentalSats) {
    return { feeSats, baseSats: beyondFeeSats, base: 'what the key pays', isPaid: true };
  }
  const mostSats = lossSats < feeSats ? lossSats : feeSats;
  return { feeSats: mostSats, baseSats: ownSats, base: 'what the key moves', isPaid: false };
}

function isLarger(one: FeeShare, other: FeeShare): boolean {
  return one.feeSats * other.baseSats > other.feeSats * one.baseSats;
}

/** `0.10 % of what leaves`; `1.40 times what leaves`. */
export function formatFeeShare({ feeSats, baseSats, base }: FeeShare): string {
  if (baseSats > 0n && feeSats > baseSats) return `${formatTimes(feeSats, baseSats)} times ${base}`;
  return `${formatShare(feeSats, baseSats)} of ${base}`;
}

/** `the key pays 30,000 sats of it at most`, where others surely pay the rest; else the empty text. */
export function formatKeyPart(share: FeeShare, { feeSats }: Summary): string {
  return share.feeSats < feeSats ? `the key pays ${formatSats(share.feeSats)} of it at most` : '';
}
