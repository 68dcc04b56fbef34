import { type DkgProposal, policyHash, rosterOffer, type RosterOffer } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { encodeKeyParams, firstEpoch, type KeyParams, type PartyIndex, verifyRoster } from '@ckm/threshold';
import type { Data } from '@ckm/gordian';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import { withNames } from './with-names.js';

/**
 * Checks what every server offers and puts the parameters of the key together.
 * @throws PeerFaultError `FAULT_OFFER_INVALID`, `FAULT_ROSTER`, naming the servers
 */
export function assembleParameters(proposal: DkgProposal, given: ReadonlyMap<Participant, Data>): Uint8Array {
  return encodeKeyParams(assembleKey(proposal, firstEpoch(proposal), given));
}

/**
 * The same for every making of a key.
 * @param epoch what the parameters say of epoch and flags
 */
export function assembleKey(
  proposal: Pick<DkgProposal, 'suite' | 'purpose' | 'keyId' | 'quorum' | 'policy'>,
  epoch: Pick<KeyParams, 'epoch' | 'previous' | 'flags'>,
  given: ReadonlyMap<Participant, Data>,
): KeyParams {
  const offers = new Map(
    [...given].map(([participant, offer]) => [participant, rosterOffer.safeParse(offer).data ?? null]),
  );
  const participants = [...offers.keys()].sort((a, b) => a.slot - b.slot);
  const wrong = participants.filter((participant) => !isOwnOffer(participant, offers.get(participant)));
  if (wrong.length > 0) {
    throw serverFault('FAULT_OFFER_INVALID', wrong, 'offered something else than its own pinned identity');
  }
  const { suite, purpose, keyId, quorum, policy } = proposal;
  const params: KeyParams = {
    suite,
    purpose,
    keyId,
    ...epoch,
    quorum,
    termsHash: policyHash(policy),
    roster: participants.map((participant) => ({
      ...offers.get(participant)!,
      slot: participant.slot as PartyIndex,
    })),
  };
  try {
    verifyRoster(params);
    return params;
  } catch (error) {
    throw withNames(error, participants);
  }
}

const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

function isOwnOffer({ server }: Participant, offer: RosterOffer | null | undefined): boolean {
  return (
    offer !== null &&
    offer !== undefined &&
    equalBytes(offer.serverId, server.xid) &&
    equalBytes(offer.identityKey, server.publicKeys.signing.bytes) &&
    equalBytes(offer.sealingKey, server.publicKeys.agreement) &&
    VISIBLE_ASCII.test(offer.url)
  );
}
