import type { DerivationPath } from '@ckm/threshold';
import type { BitcoinNetwork, KeyContext } from '../kind.js';
import { destinationOf, type Destination } from './destination.js';
import { estimateVirtualBytes, feeRateTenths } from './fee.js';
import { assessOwnership, type Ownership } from './ownership.js';
import { sumSats, type BitcoinRequest } from './parse.js';

/** An output, seen from the key. */
export interface SummaryOutput {
  readonly amountSats: bigint;
  readonly destination: Destination;
  /** Its path when only the key can spend it, else `null`: then it is paid away. */
  readonly ownPath: DerivationPath | null;
  /** Paid away, but the key could spend it too. */
  readonly shared: boolean;
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
  readonly feeSats: bigint;
  readonly feeTenthsPerByte: bigint;
  /** Seconds or block height before which it cannot be mined; 0 when it can be at once. */
  readonly notBefore: number;
  readonly relativeLock: boolean;
}

const FINAL_SEQUENCE = 0xffff_ffff;
const RELATIVE_LOCK_OFF = 0x8000_0000;
const RELATIVE_LOCK_VALUE = 0xffff;

function seenFromKey(
  { amountSats, script }: BitcoinRequest['outputs'][number],
  at: number,
  own: Ownership,
  network: BitcoinNetwork | undefined,
): SummaryOutput {
  return {
    amountSats,
    destination: destinationOf(script, network),
    ownPath: own.outputs.get(at) ?? null,
    shared: own.shared.has(at),
  };
}

/** Whoever made the transaction chose the order of its outputs: a list that is cut short loses the least this way. */
function byWeight(a: SummaryOutput, b: SummaryOutput): number {
  const comesBack = Number(a.ownPath !== null) - Number(b.ownPath !== null);
  if (comesBack !== 0) return comesBack;
  return a.amountSats === b.amountSats ? 0 : a.amountSats > b.amountSats ? -1 : 1;
}

/** BIP-68: an input with such a sequence has to age first, in transactions of version 2 and later. */
function hasRelativeLock(request: BitcoinRequest): boolean {
  if (request.version < 2) return false;
  return request.inputs.some(
    ({ sequence }) => sequence < RELATIVE_LOCK_OFF && (sequence & RELATIVE_LOCK_VALUE) !== 0,
  );
}

/** @throws EncodingError when the transaction lies about the key. */
export function summarise(request: BitcoinRequest, key: KeyContext): Summary {
  const own = assessOwnership(request, key.public);
  const outputs = request.outputs
    .map((output, at) => seenFromKey(output, at, own, key.network))
    .sort(byWeight);
  const ownSats = sumSats(own.inputs.map(({ at }) => request.inputs[at]!));
  const allSats = sumSats(request.inputs);
  const feeSats = allSats - sumSats(outputs);
  const locked = request.lockTime > 0 && request.inputs.some(({ sequence }) => sequence !== FINAL_SEQUENCE);
  return {
    outputs,
    ownCoins: own.inputs.length,
    ownSats,
    foreignCoins: request.inputs.length - own.inputs.length,
    foreignSats: allSats - ownSats,
    leavesSats: sumSats(outputs.filter(({ ownPath }) => ownPath === null)),
    feeSats,
    feeTenthsPerByte: feeRateTenths(feeSats, estimateVirtualBytes(request)),
    notBefore: locked ? request.lockTime : 0,
    relativeLock: hasRelativeLock(request),
  };
}
