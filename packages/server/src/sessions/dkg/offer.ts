import { signIdentityStatement, type Proposal, type RosterOffer } from '@ckm/api';
import { createStaticKey, staticKeyStatement, type StaticKey } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';

/** The epoch of a new key. */
export const FIRST_EPOCH = 0;

/** The static key of this server for one key, from the seed that was drawn for it alone. */
export function staticKeyFrom(proposal: Proposal, seed: Uint8Array): StaticKey {
  return createStaticKey(proposal.suite, proposal.keyId, FIRST_EPOCH, seed);
}

/** What this server puts into the roster: who it is, and a static key for this key alone that its identity vouches for. */
export function makeOffer(
  { identity, config }: ServerContext,
  proposal: Proposal,
  key: StaticKey,
): RosterOffer {
  const { staticKey, staticProof } = key;
  const who = { serverId: new Uint8Array(identity.xid), identityKey: identity.publicKeys.signing.bytes };
  const { suite, keyId } = proposal;
  const statement = staticKeyStatement({ suite, keyId, epoch: FIRST_EPOCH, ...who, staticKey, staticProof });
  return {
    ...who,
    staticKey,
    staticProof,
    identitySignature: signIdentityStatement(identity, statement),
    url: config.publicUrl,
  };
}
