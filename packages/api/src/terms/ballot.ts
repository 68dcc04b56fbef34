import type { Ballot } from '../votes/ballot.js';
import type { Voter } from '../votes/voter.js';
import { equalBytes } from '@ckm/foundation';
import type { KeyTerms } from './schema.js';
import { type TermsChange, termsChangeDigest } from './statement.js';

/**
 * What is voted on in a change of terms, under the terms in force: who says yes to it is asked by those. Nobody stands as who asks: a change is by the owner, who
 * has no say by himself.
 */
export function ballotOfTerms(
  change: TermsChange,
  { serverId, expiresAt }: Pick<Ballot, 'serverId' | 'expiresAt'>,
): Ballot {
  const digest = termsChangeDigest(change);
  return {
    matter: 'terms',
    matterId: digest,
    keyId: change.keyId,
    termsHash: change.previous,
    requester: null,
    kind: 'terms',
    payloadHash: change.termsHash,
    tasksHash: digest,
    serverId,
    expiresAt,
  };
}

/** XIDs of those whom a change takes away: they have neither vote nor veto in it (L14). */
export function takenAway(before: KeyTerms, after: KeyTerms): readonly Uint8Array[] {
  const stays = (xid: Uint8Array) => after.approvers?.some((one) => equalBytes(one.xid, xid)) ?? false;
  return votersOf(before)
    .map(({ xid }) => xid)
    .filter((xid) => !stays(xid));
}

/** Who has a say by the terms of a key. */
export function votersOf({ approvers }: Pick<KeyTerms, 'approvers'>): readonly Voter[] {
  return approvers ?? [];
}
