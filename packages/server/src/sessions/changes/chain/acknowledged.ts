import { type Parameters, signIdentityStatement, verifyIdentityStatement } from '@ckm/api';
import { type CertifiedEpoch, type KeyParams, recoveryAckStatement, type RosterEntry } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';

/** Verifying one acknowledgement, in milliseconds of one core. */
export const ACKNOWLEDGEMENT_MS = 0.2;

type Acknowledgements = Parameters<'change.retire'>['acknowledgements'];
/** What servers of an epoch acknowledge: that they stored its certificate, and have their shares of it. */
export type AcknowledgedEpoch = Pick<CertifiedEpoch, 'params' | 'transcriptHash'>;

/** This server's promise that it has stored the certificate of an epoch, and has its share of it. */
export function acknowledge(
  { identity }: Pick<ServerContext, 'identity'>,
  { params: { keyId, epoch }, transcriptHash }: AcknowledgedEpoch,
  { slot }: Pick<RosterEntry, 'slot'>,
): Uint8Array {
  return signIdentityStatement(identity, recoveryAckStatement({ keyId, epoch, slot, transcriptHash }));
}

/** Who of a roster has not acknowledged its epoch, as far as is shown. */
export function notAcknowledged(
  { params, transcriptHash }: AcknowledgedEpoch,
  shown: Acknowledgements,
): KeyParams['roster'] {
  const { keyId, epoch } = params;
  return params.roster.filter(({ slot, identityKey }) => {
    const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
    return !shown.some(
      (one) => one.slot === slot && verifyIdentityStatement(identityKey, statement, one.signature),
    );
  });
}

/**
 * Whether as many servers of an epoch hold their shares of it as its quorum needs: then it can be used without any share of the
 * epoch before.
 * @param own this server's place in it, which has its own share; null: it has none
 */
export function isHeld(epoch: AcknowledgedEpoch, shown: Acknowledgements, own: RosterEntry | null): boolean {
  const { quorum } = epoch.params;
  const missing = notAcknowledged(epoch, shown).filter(({ slot }) => slot !== own?.slot);
  return quorum.of - missing.length >= quorum.needed;
}
