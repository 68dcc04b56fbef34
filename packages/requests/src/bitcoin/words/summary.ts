import type { DerivationPath } from '@ckm/threshold';
import type { BitcoinNetwork, KeyContext } from '../../kind.js';
import { destinationOf, type Destination } from '../script/destination.js';
import { estimateVirtualBytes, feeRateTenths } from '../transaction/fee.js';
import { coinAgeOf, type CoinAge, isClearlyAhead, lockTimeOf } from '../transaction/locks.js';
import { assessOwnership, type Ownership, type Sharing } from '../ownership/ownership.js';
import { sumSats, type BitcoinRequest } from '../psbt/parse.js';
import { CHAINS, isSingleKey, type WalletChain } from '../wallet/wallet.js';

/** An output, seen from the key. */
export interface SummaryOutput {
  readonly amountSats: bigint;
  readonly script: Uint8Array;
  readonly destination: Destination;
  /** Its path when only the key can spend it, else `null`: then it is paid away. */
  readonly ownPath: DerivationPath | null;
  /** Whether the key can spend what is paid away too, or only the request says so; `null` when neither. */
  readonly sharing: Sharing | null;
  /** Pays nobody: data that costs nothing, or an anchor that is only there to raise the fee later. */
  readonly incidental: boolean;
}

/** A transaction in the numbers a person needs; amounts in satoshis. */
export interface Summary {
  /** What is paid away first, then what comes back; the largest amount first in each. */
  readonly outputs: readonly SummaryOutput[];
  readonly ownCoins: number;
  readonly ownSats: bigint;
  readonly foreignCoins: number;
  readonly foreignSats: bigint;
  /** Everything that is not provably the key's own again; the coins of others are not set off against it. */
  readonly leavesSats: bigint;
  /** What of it is for somebody: without data that costs nothing, and anchors. */
  readonly paysSats: bigint;
  /** Everything that is provably the key's own again. */
  readonly returnsSats: bigint;
  /** By how much more returns than the key spends: others pay it. */
  readonly gainsSats: bigint;
  readonly feeSats: bigint;
  readonly feeTenthsPerByte: bigint;
  /** Whether the key is its own only address, at the empty path. */
  readonly isSingle: boolean;
  /** The highest numbers of addresses that are known to be used. */
  readonly usedIndex: UsedIndex;
  /** The lock time that holds, a height or seconds since 1970; 0 when none does. */
  readonly lockTime: number;
  readonly isLockAhead: boolean;
  readonly coinAge: CoinAge;
  /** The network of the addresses shown, where only the request names it; else `null`. */
  readonly claimedNetwork: BitcoinNetwork | null;
}

/** The highest number of a used address by chain. */
export type UsedIndex = Readonly<Record<WalletChain, number>>;
const MOST_ADDED = 100;

/** As much as all anchors may hold without being a gift to whoever comes first. */
export const MOST_ANCHOR_SATS = 1_000n;

function outputsSeenFromKey(
  request: BitcoinRequest,
  own: Ownership,
  network: BitcoinNetwork | undefined,
): SummaryOutput[] {
  const found = request.outputs.map(({ amountSats, script }, at) => ({
    amountSats,
    script,
    destination: destinationOf(script, network),
    ownPath: own.outputs.get(at) ?? null,
    sharing: own.shared.get(at) ?? null,
  }));
  const areAnchorsSmall =
    sumSats(found.filter(({ destination }) => destination.type === 'anchor')) <= MOST_ANCHOR_SATS;
  return found.map((output) => {
    const { type } = output.destination;
    const incidental = type === 'anchor' ? areAnchorsSmall : type === 'data' && output.amountSats === 0n;
    return { ...output, incidental };
  });
}

/** The number of an address that wallets look for; `null` for any other path. */
export function addressNumber(path: DerivationPath): number | null {
  const [chain, index] = path;
  const isWatched = path.length === 2 && (chain === CHAINS.receive || chain === CHAINS.change);
  return isWatched ? index! : null;
}

/**
 * Coins that are spent show what is used, too. Where its owner counts, they add a little only: whoever knows the addresses
 * of the key can pay one as far ahead as he likes.
 */
function usedIndexOn(name: WalletChain, own: Ownership, { usedIndex }: KeyContext): number {
  const known = usedIndex?.[name];
  const shown = own.inputs.map(({ tweak: { path } }) =>
    path[0] === CHAINS[name] ? (addressNumber(path) ?? 0) : 0,
  );
  const highest = Math.max(0, ...shown);
  return known === undefined ? highest : Math.max(known, Math.min(highest, known + MOST_ADDED));
}

/** Whoever made the transaction chose the order of its outputs: a list that is cut short loses the least this way. */
function byWeight(a: SummaryOutput, b: SummaryOutput): number {
  const comesBack = Number(a.ownPath !== null) - Number(b.ownPath !== null);
  if (comesBack !== 0) return comesBack;
  return a.amountSats === b.amountSats ? 0 : a.amountSats > b.amountSats ? -1 : 1;
}

/** @throws EncodingError when the transaction lies about the key. */
export function summarise(request: BitcoinRequest, key: KeyContext): Summary {
  const own = assessOwnership(request, key.public);
  const network = key.network ?? request.network;
  const outputs = outputsSeenFromKey(request, own, network).sort(byWeight);
  const ownSats = sumSats(own.inputs.map(({ at }) => request.inputs[at]!));
  const allSats = sumSats(request.inputs);
  const feeSats = allSats - sumSats(outputs);
  const leaving = outputs.filter(({ ownPath }) => ownPath === null);
  const returnsSats = sumSats(outputs.filter(({ ownPath }) => ownPath !== null));
  const lockTime = lockTimeOf(request);
  return {
    outputs,
    ownCoins: own.inputs.length,
    ownSats,
    foreignCoins: request.inputs.length - own.inputs.length,
    foreignSats: allSats - ownSats,
    leavesSats: sumSats(leaving),
    paysSats: sumSats(leaving.filter(({ incidental }) => !incidental)),
    returnsSats,
    gainsSats: returnsSats > ownSats ? returnsSats - ownSats : 0n,
    feeSats,
    feeTenthsPerByte: feeRateTenths(feeSats, estimateVirtualBytes(request)),
    isSingle: isSingleKey(key.public),
    usedIndex: {
      receive: usedIndexOn('receive', own, key),
      change: usedIndexOn('change', own, key),
    },
    lockTime,
    isLockAhead: isClearlyAhead(lockTime, key.now, key.network),
    coinAge: coinAgeOf(request),
    claimedNetwork: key.network === undefined ? (request.network ?? null) : null,
  };
}
