import { encodeHex } from '@ckm/foundation';
import type { Description, DescriptionRow, KeyContext } from '../../kind.js';
import { keyName } from '../../text/key-name.js';
import { groupsOfFour, plural } from '../../text/quote.js';
import type { Destination } from '../script/destination.js';
import { describeData, namesOf } from './destination-names.js';
import { formatBitcoin, formatFeeRate, formatSats } from './amounts.js';
import { feeShareOf, formatFeeShare, formatKeyPart } from './fee-share.js';
import { formatCoinAge, formatLockTime } from './times.js';
import type { BitcoinRequest } from '../psbt/parse.js';
import { summarise, type Summary, type SummaryOutput } from './summary.js';
import { nameTransaction } from '../transaction/txid.js';
import { CHAINS } from '../wallet/wallet.js';
import { bitcoinWarnings } from './warnings.js';

const NAMED_ADDRESSES = 3;

/** What leaves the key: payments, and what pays nobody. */
function leaving({ outputs }: Summary, wanted: 'payments' | 'incidental'): SummaryOutput[] {
  return outputs.filter(
    ({ ownPath, incidental }) => ownPath === null && incidental === (wanted === 'incidental'),
  );
}

/** Who is paid, whoever gets most in all first: nobody can push that one out of sight. */
function payees(paid: readonly SummaryOutput[]): string {
  const totals = new Map<string, { readonly shown: string; sats: bigint }>();
  for (const { destination, script, amountSats } of paid) {
    const identity = encodeHex(script);
    const payee = totals.get(identity) ?? { shown: namesOf(destination).short, sats: 0n };
    payee.sats += amountSats;
    totals.set(identity, payee);
  }
  const ordered = [...totals.values()].sort((a, b) => (a.sats === b.sats ? 0 : a.sats > b.sats ? -1 : 1));
  const names = ordered.map(({ shown }) => shown);
  if (names.length <= NAMED_ADDRESSES) return names.join(' and ');
  const shown = names.slice(0, NAMED_ADDRESSES).join(', ');
  return `${shown} and ${plural(names.length - NAMED_ADDRESSES, 'more', 'more')}`;
}

/** What happens to the coins of the key. What is paid is never set off against what others bring. */
function deed(summary: Summary, name: string): string {
  const incidental = leaving(summary, 'incidental');
  const payments = leaving(summary, 'payments');
  if (payments.length > 0) {
    const all = [...payments, ...incidental];
    return `Pay ${formatBitcoin(summary.leavesSats)} BTC to ${payees(all)} from ${name}`;
  }
  const names = new Set(incidental.map(({ destination }) => besideName(destination)));
  const beside = names.size === 0 ? '' : `, with ${[...names].slice(0, NAMED_ADDRESSES).join(' and ')}`;
  return `Move ${formatBitcoin(summary.returnsSats)} BTC within ${name}${beside}`;
}

function besideName(destination: Destination): string {
  return destination.type === 'anchor' ? 'an anchor' : namesOf(destination).short;
}

function sentence(summary: Summary, key: KeyContext): string {
  const name = keyName(key);
  const others =
    summary.foreignCoins === 0 ? '' : `, together with ${plural(summary.foreignCoins, 'coin')} of others`;
  const gain =
    summary.gainsSats === 0n ? '' : `; ${name} receives ${formatBitcoin(summary.gainsSats)} BTC from others`;
  return `${deed(summary, name)}${others}${gain}; fee ${formatSats(summary.feeSats)} (${shareInWords(summary, ', ')})`;
}

/** As much of the fee as the key may pay, where that is told, and how much it is of what. */
function shareInWords(summary: Summary, between: string): string {
  const share = feeShareOf(summary);
  const part = formatKeyPart(share, summary);
  return `${part === '' ? '' : `${part}${between}`}${formatFeeShare(share)}`;
}

function outputRow({ amountSats, destination, ownPath }: SummaryOutput, name: string): DescriptionRow {
  const amount = `${formatBitcoin(amountSats)} BTC`;
  const target = namesOf(destination).whole;
  if (destination.type === 'data') {
    return { label: 'Data', value: `${amount} to ${target}`, note: describeData(destination) };
  }
  if (ownPath === null) return { label: 'Pay', value: `${amount} to ${target}`, ...payeeOf(destination) };
  const [chain, index] = ownPath;
  const place =
    ownPath.length === 2 && chain === CHAINS.change
      ? `change #${index}`
      : ownPath.length === 2 && chain === CHAINS.receive
        ? `address #${index}`
        : ownPath.length === 0
          ? 'the address of the key itself'
          : `path m/${ownPath.join('/')}`;
  return { label: 'Change', value: `${amount} to ${name}, ${target}`, note: `${place}, recomputed` };
}

function payeeOf(destination: Destination): Pick<DescriptionRow, 'payee'> {
  return destination.type === 'address' ? { payee: destination.address } : {};
}

function coinRow(label: string, count: number, sats: bigint): DescriptionRow {
  return { label, value: `${formatBitcoin(sats)} BTC`, note: plural(count, 'coin') };
}

function coinRows({ ownCoins, ownSats, foreignCoins, foreignSats, gainsSats }: Summary): DescriptionRow[] {
  const rows = [coinRow('From', ownCoins, ownSats)];
  if (foreignCoins > 0) rows.push(coinRow('Others', foreignCoins, foreignSats));
  if (gainsSats > 0n) rows.push({ label: 'Receives', value: `${formatBitcoin(gainsSats)} BTC from others` });
  return rows;
}

function feeRow(summary: Summary): DescriptionRow {
  const about = summary.foreignCoins === 0 ? '' : 'about ';
  const rate = `${about}${formatFeeRate(summary.feeTenthsPerByte)}`;
  return {
    label: 'Fee',
    value: `${formatBitcoin(summary.feeSats)} BTC`,
    note: `${rate} · ${shareInWords(summary, ' · ')}`,
  };
}

function lockRows({ lockTime, coinAge }: Summary): DescriptionRow[] {
  const age = formatCoinAge(coinAge);
  const until = [
    ...(lockTime === 0 ? [] : [formatLockTime(lockTime)]),
    ...(age === '' ? [] : [`its coins are ${age}`]),
  ];
  return until.map((value) => ({ label: 'Not before', value }));
}

/** What it is called, if the signatures of others do not decide that. */
function idRows(request: BitcoinRequest): DescriptionRow[] {
  const { txid, isFinal } = nameTransaction(request);
  return isFinal ? [{ label: 'Txid', value: groupsOfFour(txid) }] : [];
}

/** @throws EncodingError when the transaction lies about the key. */
export function describeBitcoin(typed: BitcoinRequest, key: KeyContext): Description {
  const summary = summarise(typed, key);
  const name = keyName(key);
  const rows = [
    ...summary.outputs.map((output) => outputRow(output, name)),
    feeRow(summary),
    ...coinRows(summary),
    ...lockRows(summary),
    ...idRows(typed),
  ];
  return { sentence: sentence(summary, key), rows, warnings: bitcoinWarnings(summary), blind: false };
}
