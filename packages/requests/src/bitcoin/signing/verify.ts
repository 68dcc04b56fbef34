import { CkmError, equalBytes } from '@ckm/foundation';
import type { KeyContext } from '../../kind.js';
import { isSignedBy } from '../ownership/ownership.js';
import { type BitcoinRequest, parseBitcoin } from '../psbt/parse.js';
import { createSighash, SIGHASH_DEFAULT } from '../transaction/sighash.js';
import { buildBitcoinRequest } from '../psbt/build.js';

/** Whether a signed PSBT holds the very transaction that was asked for, and a valid signature for each coin of the key. */
export function verifyBitcoin(typed: BitcoinRequest, key: KeyContext, artefact: Uint8Array): boolean {
  try {
    const signed = parseBitcoin(buildBitcoinRequest(artefact));
    return equalBytes(digestOf(typed), digestOf(signed)) && isSignedBy(signed, typed, key.public);
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/** Commits to version, lock time, and every input and output with its amount (BIP-341). */
function digestOf(request: BitcoinRequest): Uint8Array {
  return createSighash(request)(0, SIGHASH_DEFAULT);
}
