import { encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Facts, FactTypes } from '../../facts.js';
import type { KeyContext } from '../../kind.js';
import type { BitcoinRequest } from '../psbt/parse.js';
import { type FeeShare, feeShareOf } from './fee-share.js';
import { summarise, type SummaryOutput } from './summary.js';

export const BITCOIN_FACTS: FactTypes = {
  amountSats: { is: 'sats', noun: 'amount with its fee' },
  feeSats: { is: 'sats', noun: 'fee' },
  feeShare: { is: 'share', noun: 'relative fee' },
  destinations: { is: 'texts', noun: 'destination' },
};

/**
 * `amountSats` is all that is not provably the key's again, its fee in it: whoever burns coins as a fee spends them too. What others
 * bring is not set off against it.
 * @throws EncodingError when the transaction lies about the key
 */
export function bitcoinFacts(typed: BitcoinRequest, key: KeyContext): Facts {
  const summary = summarise(typed, key);
  const { outputs, leavesSats, feeSats } = summary;
  return {
    amountSats: Number(leavesSats + feeSats),
    feeSats: Number(feeSats),
    feeShare: tenThousandths(feeShareOf(summary)),
    destinations: destinationsOf(outputs),
  };
}

/** Rounded up, so that no limit is passed by a little; of nothing, as much as a number holds. */
function tenThousandths({ feeSats, baseSats }: FeeShare): number {
  if (feeSats === 0n) return 0;
  const share = baseSats === 0n ? null : (feeSats * 10_000n + baseSats - 1n) / baseSats;
  return share === null || share > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(share);
}

/**
 * SHA-256 of each script that is not provably the key's own, in hex: the same on every network. Data and anchors are among them, since
 * what they carry may mean something to others.
 */
function destinationsOf(outputs: readonly SummaryOutput[]): readonly string[] {
  const scripts = outputs.filter(({ ownPath }) => ownPath === null).map(({ script }) => script);
  return [...new Set(scripts.map((script) => encodeHex(sha256(script))))].sort();
}
