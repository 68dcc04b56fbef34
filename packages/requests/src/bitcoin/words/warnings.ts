import type { DescriptionWarning } from '../../kind.js';
import { groupDigits, plural } from '../../text/quote.js';
import { type Destination, dustLimitSats } from '../script/destination.js';
import { formatBitcoin, formatFeeRate, formatSats } from './amounts.js';
import { namesOf } from './destination-names.js';
import { feeShareOf, formatFeeShare, formatKeyPart } from './fee-share.js';
import { formatCoinAge, formatLockTime } from './times.js';
import type { Sharing } from '../ownership/ownership.js';
import { sumSats } from '../psbt/parse.js';
import {
  addressNumber,
  MOST_ANCHOR_SATS,
  type Summary,
  type SummaryOutput,
  type UsedIndex,
} from './summary.js';
import { CHAINS } from '../wallet/wallet.js';

/** More than one part in twenty of what leaves is a fee to stop at. */
const HIGH_FEE_PART = 20n;
/** Tenths of sat/vB: above the highest rates the network has needed for long, and below what nodes relay. */
const ABSURD_RATE_TENTHS = 5_000n;
const LOW_RATE_TENTHS = 10n;
/** How far wallets look beyond the last address that was used. Source: BIP-44, "Address gap limit" */
const LOOKED_AHEAD = 20;
/** How far the widest search of a wallet goes as a rule: nothing comes back by itself from beyond. */
const FOUND_AHEAD = 1_000;
const LONGEST_RELAYED_DATA = 83;

function highFeeWarning(summary: Summary): DescriptionWarning | null {
  const share = feeShareOf(summary);
  const { feeSats, baseSats, isPaid } = share;
  if (feeSats * HIGH_FEE_PART <= baseSats) return null;
  const part = formatKeyPart(share, summary);
  const told = `${formatSats(summary.feeSats)}${part === '' ? '' : ` (${part})`}`;
  return {
    code: 'FEE_HIGH',
    text: `the fee of ${told} is ${formatFeeShare(share)}`,
    // As much as is paid, or half of what only moves.
    ...loss(feeSats * (isPaid ? 1n : 2n) >= baseSats),
  };
}

function feeWarnings(summary: Summary): DescriptionWarning[] {
  const { feeTenthsPerByte: rate } = summary;
  const high = highFeeWarning(summary);
  const warnings = high === null ? [] : [high];
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
  if (amountSats === 0n && destination.type === 'data') return null;
  const loss = lossAt(destination);
  if (loss === null) return null;
  const [code, what] = loss;
  return { code, text: `${formatBitcoin(amountSats)} BTC ${what}`, isLoss: true };
}

/** Why what goes there is lost, as code and in words that follow an amount. */
function lossAt(destination: Destination): readonly [code: string, what: string] | null {
  const { whole } = namesOf(destination);
  switch (destination.type) {
    case 'unknown':
      return ['OUTPUT_UNKNOWN_SCRIPT', `goes to a script that is no known kind of address: ${whole}`];
    case 'address':
      if (destination.form !== 'future') return null;
      return [
        'OUTPUT_UNKNOWN_SCRIPT',
        `goes to an address of a form that has no rules yet, so that anybody may be able to take it: ${whole}`,
      ];
    case 'unspendable':
      return ['OUTPUT_UNSPENDABLE', 'goes to an output that no key can spend'];
    case 'data':
      return ['OUTPUT_BURNS', 'is destroyed: it is attached to data'];
    default:
      return null;
  }
}

/** Small outputs for anybody add up: all of them together are judged. */
function anchorWarnings({ outputs }: Summary): DescriptionWarning[] {
  const sats = sumSats(outputs.filter(({ destination }) => destination.type === 'anchor'));
  if (sats <= MOST_ANCHOR_SATS) return [];
  const text = `${formatBitcoin(sats)} BTC goes to outputs that anybody can spend`;
  return [{ code: 'OUTPUT_FOR_ANYONE', text, isLoss: true }];
}

/** What nodes relay of data, whatever blocks may hold. Source: Bitcoin Core before version 30, IsStandardTx */
function dataWarnings({ outputs }: Summary): DescriptionWarning[] {
  const scripts = outputs.flatMap(({ destination }) =>
    destination.type === 'data' ? [destination.script] : [],
  );
  const longest = Math.max(0, ...scripts.map(({ length }) => length));
  const warnings: DescriptionWarning[] = [];
  const code = 'DATA_SELDOM_RELAYED';
  if (scripts.length > 1) {
    const text = `${groupDigits(scripts.length)} outputs carry data: many nodes relay no transaction with more than one`;
    warnings.push({ code, text });
  }
  if (longest > LONGEST_RELAYED_DATA) {
    const text = `an output carries data in a script of ${groupDigits(longest)} bytes: many nodes relay no more than ${LONGEST_RELAYED_DATA}`;
    warnings.push({ code, text });
  }
  return warnings;
}

function outputWarnings(output: SummaryOutput, { usedIndex, isSingle }: Summary): DescriptionWarning[] {
  const loss = lossWarning(output);
  const warnings = loss === null ? [] : [loss];
  if (output.amountSats < dustLimitSats(output.script) && output.destination.type !== 'anchor') {
    const text = `an output of ${formatSats(output.amountSats)} is dust: nodes may not relay it`;
    warnings.push({ code: 'OUTPUT_DUST', text });
  }
  if (output.sharing !== null) warnings.push(sharedWarning(output.amountSats, output.sharing));
  return isSingle ? warnings : [...warnings, ...pathWarnings(output, usedIndex)];
}

function sharedWarning(sats: bigint, sharing: Sharing): DescriptionWarning {
  const where =
    sharing === 'proven'
      ? 'goes where the key can spend it, and others too'
      : 'goes where the key can spend it too, the request says, but that is not proven';
  return { code: 'OUTPUT_SHARED', text: `${formatBitcoin(sats)} BTC ${where}; counted as paid away` };
}

function pathWarnings({ ownPath, amountSats }: SummaryOutput, used: UsedIndex): DescriptionWarning[] {
  if (ownPath === null) return [];
  const number = addressNumber(ownPath);
  if (number === null) {
    const text = `${formatBitcoin(amountSats)} BTC comes back on the path m/${ownPath.join('/')}, which the wallet does not watch`;
    return [{ code: 'CHANGE_PATH_UNUSUAL', text, isLoss: true }];
  }
  const usedIndex = ownPath[0] === CHAINS.change ? used.change : used.receive;
  if (number <= usedIndex + LOOKED_AHEAD) return [];
  const text = `${formatBitcoin(amountSats)} BTC comes back on address number ${groupDigits(number)}; the highest that is known here to be used is ${groupDigits(usedIndex)}, and most wallets look only ${LOOKED_AHEAD} further`;
  return [{ code: 'CHANGE_INDEX_FAR', text, ...loss(number > usedIndex + FOUND_AHEAD) }];
}

function lockWarnings({ lockTime, isLockAhead, coinAge }: Summary): DescriptionWarning[] {
  const warnings: DescriptionWarning[] = [];
  if (isLockAhead) {
    warnings.push({ code: 'LOCKTIME', text: `it cannot be mined before ${formatLockTime(lockTime)}` });
  }
  const age = formatCoinAge(coinAge);
  if (age !== '') {
    warnings.push({ code: 'RELATIVE_LOCK', text: `it cannot be mined before its coins are ${age}` });
  }
  return warnings;
}

/** Whoever makes a request may name any network in it: coins of the main one are spent by the same signature. */
function networkWarnings({ claimedNetwork }: Summary): DescriptionWarning[] {
  if (claimedNetwork === null) return [];
  const text = `addresses are written as on ${claimedNetwork} because the request says so; the signature is valid on the main network too`;
  return [{ code: 'NETWORK_CLAIMED', text }];
}

function foreignWarnings({ foreignCoins, foreignSats }: Summary): DescriptionWarning[] {
  if (foreignCoins === 0) return [];
  const coins = plural(foreignCoins, 'coin');
  const text = `${coins} (${formatBitcoin(foreignSats)} BTC) should be somebody else’s; if one is yours, you pay more than is shown`;
  return [{ code: 'FOREIGN_INPUTS', text }];
}

/** All warnings, worst first; the same one is given once, with how often it holds where something is lost. */
export function bitcoinWarnings(summary: Summary): DescriptionWarning[] {
  const all = [
    ...summary.outputs.flatMap((output) => outputWarnings(output, summary)),
    ...anchorWarnings(summary),
    ...dataWarnings(summary),
    ...foreignWarnings(summary),
    ...networkWarnings(summary),
    ...feeWarnings(summary),
    ...lockWarnings(summary),
  ];
  const alike = new Map<string, { readonly warning: DescriptionWarning; count: number }>();
  for (const warning of all) {
    const known = alike.get(warning.text);
    if (known === undefined) alike.set(warning.text, { warning, count: 1 });
    else known.count++;
  }
  return [...alike.values()].map(({ warning, count }) =>
    warning.isLoss === true && count > 1
      ? { ...warning, text: `${warning.text}, ${groupDigits(count)} times` }
      : warning,
  );
}
