import { EncodingError, reveal, type Secret, StorageError } from '@ckm/foundation';
import { groupNamed } from '../group/index.js';
import type { Element, Group, SecretScalar } from '../group/group.js';
import type { PartyIndex } from '../protocol/contract.js';
import { parsePartyIndex } from '../sharing/index.js';
import { groupOfSuite } from './cocktail/suite-name.js';
import type { KeyParams, RosterEntry } from './params.js';
import type { PublicKeyPackage } from './public-package.js';

/**
 * One epoch of a key as its certificate, and every one before it, proves it: the parameters inside, and what verifying gave.
 * Public. Never put together of what somebody merely said.
 */
export interface CertifiedEpoch {
  readonly params: KeyParams;
  /** 32 bytes: names the epoch everywhere. */
  readonly transcriptHash: Uint8Array;
  readonly public: PublicKeyPackage;
  /** Version of the terms that its parameters name by their hash; 0: as the key was made. */
  readonly termsVersion: number;
}

/** The same without what only the next epoch is checked by. */
export type PublicEpoch = Omit<CertifiedEpoch, 'termsVersion'>;

/** The group of an epoch's suite. */
export function groupOfEpoch({ params }: Pick<CertifiedEpoch, 'params'>): Group {
  return groupNamed(groupOfSuite(params.suite));
}

/**
 * The roster's entry for a slot.
 * @throws EncodingError `PARTY_INDEX_INVALID` for 0, where the key itself lies, and for what is no index; `PARTY_UNKNOWN`
 * for a slot that the roster does not have
 */
export function certifiedEntry({ params }: Pick<CertifiedEpoch, 'params'>, slot: number): RosterEntry {
  const entry = params.roster[parsePartyIndex(slot) - 1];
  if (entry !== undefined) return entry;
  throw new EncodingError(`the key has no slot ${slot}`, {
    code: 'PARTY_UNKNOWN',
    hint: 'name a server of this epoch of the key',
    facts: { slot },
  });
}

/**
 * Y of a slot: its certified public share.
 * @throws EncodingError as {@link certifiedEntry}
 */
export function certifiedShare(key: PublicEpoch, slot: number): Element {
  return groupOfEpoch(key).decode(key.public.verifyingShares[certifiedEntry(key, slot).slot - 1]!);
}

/**
 * A party's share, known to be the one that was certified; the caller wipes it. A share that was damaged in storage, or
 * is of another epoch, is not used for anything: its owner would be taken for a liar.
 * @throws StorageError `SHARE_NOT_CERTIFIED` · EncodingError `SCALAR_INVALID`, or as {@link certifiedEntry}
 */
export function openCertifiedShare(
  key: PublicEpoch,
  slot: PartyIndex,
  share: Secret<Uint8Array>,
): SecretScalar {
  const group = groupOfEpoch(key);
  const certified = certifiedShare(key, slot);
  const scalar = group.scalars.parseSecret(reveal(share, 'compare a share with its certificate'));
  if (group.equal(group.mulBase(scalar), certified)) return scalar;
  scalar.fill(0);
  throw new StorageError('the share of this server is not the one that was certified', {
    code: 'SHARE_NOT_CERTIFIED',
    hint: 'do not use this share; have the other servers of the key give it back',
  });
}
