import { signIdentityStatement, type Proposal, type RosterOffer } from '@ckm/api';
import { createStaticKey, staticKeyStatement, type StaticKey, type SuiteName } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';

/** The epoch of a new key. */
export const FIRST_EPOCH = 0;

/**
 * The static key of this server for one key, from the seed that is for it alone.
 * @param hedge fresh for an offer: its proof, and with it the parameters, are then of one run, even where a repeated
 * proposal gets the same seed (static backup). What convicts a server of two stories rests on that.
 */
export function staticKeyFrom(
  { suite, keyId }: { readonly suite: SuiteName; readonly keyId: Uint8Array },
  seed: Uint8Array,
  hedge?: Uint8Array,
): StaticKey {
  return createStaticKey(suite, keyId, FIRST_EPOCH, seed, hedge);
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
