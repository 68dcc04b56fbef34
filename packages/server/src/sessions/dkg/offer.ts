import { signIdentityStatement, type DkgProposal, type RosterOffer } from '@ckm/api';
import { createStaticKey, staticKeyStatement, type StaticKey, type StaticKeyScope } from '@ckm/threshold';
import type { RoomMeans } from '../room/room.js';

/** The epoch of a new key. */
export const FIRST_EPOCH = 0;

/**
 * The static key of this server for one epoch of one key, from the seed that is for it alone.
 * @param hedge fresh for an offer: its proof, and with it the parameters, are then of one run, even where a repeated
 * proposal gets the same seed (static backup). What convicts a server of saying two things rests on that.
 */
export function staticKeyFrom(
  { suite, keyId, epoch }: StaticKeyScope,
  seed: Uint8Array,
  hedge?: Uint8Array,
): StaticKey {
  return createStaticKey(suite, keyId, epoch, seed, hedge);
}

/** What this server puts into the roster: who it is, and a static key for this key alone that its identity vouches for. */
export function makeOffer(
  { identity, publicUrl }: RoomMeans,
  proposal: Pick<DkgProposal, 'suite' | 'keyId'>,
  key: StaticKey,
): RosterOffer {
  const { staticKey, staticProof } = key;
  const { signing, agreement } = identity.publicKeys;
  const serverId = new Uint8Array(identity.xid);
  const who = { serverId, identityKey: signing.bytes, sealingKey: agreement };
  const { suite, keyId } = proposal;
  const statement = staticKeyStatement({ suite, keyId, epoch: FIRST_EPOCH, ...who, staticKey, staticProof });
  return {
    ...who,
    staticKey,
    staticProof,
    identitySignature: signIdentityStatement(identity, statement),
    url: publicUrl,
  };
}
