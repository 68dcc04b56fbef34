import { BugError, equalBytes, reveal, type Secret } from '@ckm/foundation';
import type { SecretScalar } from '../../group/index.js';
import { taggedHash } from '../../hash/index.js';
import type { KeyView } from '../../hd/derived-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint16be } from '../../protocol/layout.js';
import type { KeyShare } from '../../key/public-package.js';

/** Checksums of derived shares, with their party, that were found right: the multiplication is done once for each. */
const found = new WeakMap<KeyView, WeakMap<Secret<Uint8Array>, Uint8Array>>();

/**
 * share' of this party, known to be the one behind its verifying share Y'. Secret: the caller wipes it.
 *
 * A share that was damaged (in storage, in memory, by a fault someone provoked) must never enter a signature share:
 * from the difference to the right one the share could be guessed bit by bit.
 * @throws BugError `SIGNATURE_SHARE_WRONG` · EncodingError `SCALAR_INVALID`, `PARTY_UNKNOWN`, `PARTY_INDEX_INVALID`
 */
export function openOwnShare(key: KeyView, { party, share }: KeyShare): SecretScalar {
  const verifying = key.verifyingShare(party);
  const certified = key.group.scalars.parseSecret(reveal(share, 'make one signature share'));
  const derived = key.deriveShare(certified);
  certified.fill(0);
  const checksum = checksumOf(party, derived);
  const known = found.get(key)?.get(share);
  if (known !== undefined && equalBytes(known, checksum)) return derived;
  if (!key.group.equal(key.group.mulBase(derived), verifying)) {
    derived.fill(0);
    throw shareWrong();
  }
  let ofKey = found.get(key);
  if (ofKey === undefined) found.set(key, (ofKey = new WeakMap()));
  ofKey.set(share, checksum);
  return derived;
}

/** Whether a share that {@link openOwnShare} gave out is still what it was then. */
export function isOwnShare(key: KeyView, { party, share }: KeyShare, derived: SecretScalar): boolean {
  const known = found.get(key)?.get(share);
  return known !== undefined && equalBytes(known, checksumOf(party, derived));
}

function checksumOf(party: PartyIndex, derived: SecretScalar): Uint8Array {
  return taggedHash('CKM/frost/own-share/v1', uint16be(party), derived);
}

/** Never released, whatever the reason. */
export function shareWrong(): BugError {
  return new BugError('the signature share computed here is wrong and was not released', {
    code: 'SIGNATURE_SHARE_WRONG',
    hint: 'check this machine for faults and this share with the certificate of the key',
  });
}
