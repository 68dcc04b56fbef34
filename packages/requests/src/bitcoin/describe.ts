import type { Description, DescriptionRow, KeyContext } from '../kind.js';
import { readableText } from '../text/content.js';
import { keyName } from '../text/key-name.js';
import { describeDigest, groupsOfFour, plural, quoteText } from '../text/quote.js';
import type { Destination } from './destination.js';
import { formatBitcoin, formatFeeRate, formatSats, formatShare } from './fee.js';
import type { BitcoinRequest } from './parse.js';
import { summarise, type Summary, type SummaryOutput } from './summary.js';
import { CHAINS } from './wallet.js';
import { bitcoinWarnings, feeBase, formatLockTime } from './warnings.js';

const NAMED_ADDRESSES = 3;

/**
 * `bc1q8x0m…0dmn7k4f`. Twelve letters that cannot be chosen freely stay: 60 bits, too many to search for a twin. The
 * table has all of them.
 */
function shortAddress(address: string): string {
  return `${address.slice(0, 8)}…${address.slice(-8)}`;
}

function nameDestination(destination: Destination, showAddress: (address: string) => string): string {
  switch (destination.type) {
    case 'address':
      return showAddress(destination.address);
    case 'data':
      return `${plural(destination.data.length, 'byte')} of data`;
    case 'anchor':
      return 'anybody (an anchor)';
    case 'unspendable':
      return 'nobody (unspendable)';
    default:
      return 'an unknown script';
  }
}

function paidAway({ outputs }: Summary): SummaryOutput[] {
  return outputs.filter(({ ownPath }) => ownPath === null);
}

/** Who is paid, whoever gets most in all first: nobody can push that one out of sight. */
function payees(paid: readonly SummaryOutput[]): string {
  const totals = new Map<string, { readonly shown: string; sats: bigint }>();
  for (const { destination, amountSats } of paid) {
    const whole = nameDestination(destination, (address) => address);
    const payee = totals.get(whole) ?? { shown: nameDestination(destination, shortAddress), sats: 0n };
    payee.sats += amountSats;
    totals.set(whole, payee);
  }
  const ordered = [...totals.values()].sort((a, b) => (a.sats === b.sats ? 0 : a.sats > b.sats ? -1 : 1));
  const names = ordered.map(({ shown }) => shown);
  if (names.length <= NAMED_ADDRESSES) return names.join(' and ');
  const shown = names.slice(0, NAMED_ADDRESSES).join(', ');
  return `${shown} and ${plural(names.length - NAMED_ADDRESSES, 'more', 'more')}`;
}

function sentence(summary: Summary, key: KeyContext): string {
  const name = keyName(key);
  const paid = paidAway(summary);
  const what =
    paid.length === 0
      ? `Move ${formatBitcoin(summary.ownSats - summary.feeSats)} BTC within ${name}`
      : `Pay ${formatBitcoin(summary.leavesSats)} BTC to ${payees(paid)} from ${name}`;
  const others =
    summary.foreignCoins === 0 ? '' : `, together with ${plural(summary.foreignCoins, 'coin')} of others`;
  const base = feeBase(summary);
  const share = `${formatShare(summary.feeSats, base.sats)} of ${base.name}`;
  return `${what}${others}; fee ${formatSats(summary.feeSats)} (${share})`;
}

function dataRow(amount: string, target: string, data: Uint8Array): DescriptionRow {
  const text = readableText(data);
  const note = text === null ? describeDigest(data) : quoteText(text, 160);
  return { label: 'Data', value: `${amount} to ${target}`, note };
}

function outputRow({ amountSats, destination, ownPath }: SummaryOutput, name: string): DescriptionRow {
  const amount = `${formatBitcoin(amountSats)} BTC`;
  const target = nameDestination(destination, groupsOfFour);
  if (destination.type === 'data') return dataRow(amount, target, destination.data);
  if (ownPath === null) return { label: 'Pay', value: `${amount} to ${target}`, ...payeeOf(destination) };
  const [chain, index] = ownPath;
  const place =
    ownPath.length === 2 && chain === CHAINS.change
      ? `change #${index}`
      : ownPath.length === 2 && chain === CHAINS.receive
        ? `address #${index}`
        : `path m/${ownPath.join('/')}`;
  return { label: 'Change', value: `${amount} to ${name}, ${target}`, note: `${place}, recomputed` };
}

function payeeOf(destination: Destination): Pick<DescriptionRow, 'payee'> {
  return destination.type === 'address' ? { payee: destination.address } : {};
}

function coinRow(label: string, count: number, sats: bigint): DescriptionRow {
  return { label, value: `${formatBitcoin(sats)} BTC`, note: plural(count, 'coin') };
}

function coinRows({ ownCoins, ownSats, foreignCoins, foreignSats }: Summary): DescriptionRow[] {
  const own = coinRow('From', ownCoins, ownSats);
  return foreignCoins === 0 ? [own] : [own, coinRow('Others', foreignCoins, foreignSats)];
}

function feeRow(summary: Summary): DescriptionRow {
  const base = feeBase(summary);
  const about = summary.foreignCoins === 0 ? '' : 'about ';
  const rate = `${about}${formatFeeRate(summary.feeTenthsPerByte)}`;
  return {
    label: 'Fee',
    value: `${formatBitcoin(summary.feeSats)} BTC`,
    note: `${rate} · ${formatShare(summary.feeSats, base.sats)} of ${base.name}`,
  };
}

/** @throws EncodingError when the transaction lies about the key. */
export function describeBitcoin(typed: BitcoinRequest, key: KeyContext): Description {
  const summary = summarise(typed, key);
  const name = keyName(key);
  const rows = [
    ...summary.outputs.map((output) => outputRow(output, name)),
    feeRow(summary),
    ...coinRows(summary),
    ...(summary.notBefore > 0 ? [{ label: 'Not before', value: formatLockTime(summary.notBefore) }] : []),
  ];
  return { sentence: sentence(summary, key), rows, warnings: bitcoinWarnings(summary), blind: false };
}
