import { policyHash, type DkgProposal, type RosterOffer } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { isFirstEpoch, parseKeyParams, type KeyParams, type RosterEntry } from '@ckm/threshold';
import { demand, refusal } from '../../refusals.js';

/** The parameters a session was joined with, and this server's entry in them. */
export interface OwnParameters {
  readonly key: KeyParams;
  readonly own: RosterEntry;
}

/**
 * Reads the parameters that a courier hands over, and holds them against what this server was asked and what it offered.
 * @throws EncodingError as `parseKeyParams`; StateError `PARAMETERS_DIFFER`
 */
export function agreeOnParameters(
  proposal: DkgProposal,
  offer: RosterOffer,
  bytes: Uint8Array,
): OwnParameters {
  const key = parseKeyParams(bytes);
  const isFirst = isFirstEpoch(key, proposal);
  demand(isFirst, 'PARAMETERS_DIFFER', 'the parameters describe another key than the one proposed');
  return agreeOnKey(proposal, offer, key);
}

/**
 * The same for what every making of a key agrees on, whoever makes it.
 * @throws StateError `PARAMETERS_DIFFER`
 */
export function agreeOnKey(
  proposal: Pick<DkgProposal, 'keyId' | 'suite' | 'purpose' | 'quorum' | 'policy'>,
  offer: RosterOffer,
  key: KeyParams,
): OwnParameters {
  const own = key.roster.find(({ staticKey }) => equalBytes(staticKey, offer.staticKey));
  if (own === undefined) throw refusal('PARAMETERS_DIFFER', 'the roster does not hold this server');
  const sameKey =
    equalBytes(key.keyId, proposal.keyId) &&
    key.suite === proposal.suite &&
    key.purpose === proposal.purpose &&
    key.quorum.needed === proposal.quorum.needed &&
    key.quorum.of === proposal.quorum.of;
  demand(sameKey, 'PARAMETERS_DIFFER', 'the parameters describe another key than the one proposed');
  demand(
    equalBytes(key.termsHash, policyHash(proposal.policy)),
    'PARAMETERS_DIFFER',
    'the parameters name another policy than the one proposed',
  );
  const sameOffer =
    equalBytes(own.serverId, offer.serverId) &&
    equalBytes(own.identityKey, offer.identityKey) &&
    equalBytes(own.sealingKey, offer.sealingKey) &&
    equalBytes(own.staticProof, offer.staticProof) &&
    equalBytes(own.identitySignature, offer.identitySignature) &&
    own.url === offer.url;
  demand(sameOffer, 'PARAMETERS_DIFFER', 'the roster holds another entry for this server than it offered');
  return { key, own };
}
