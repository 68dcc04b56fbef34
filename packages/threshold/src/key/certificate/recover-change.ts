import { equalBytes, reveal, type Secret, secret, UsageError } from '@ckm/foundation';
import type { CertifiedEpoch } from '../../protocols/reshare/change.js';
import type { SignedChange } from '../../protocols/reshare/output.js';
import { takeShare } from '../../protocols/reshare/round-1-prepare.js';
import { dealerSeats } from '../../protocols/reshare/seats.js';
import type { KeyShare } from '../public-package.js';
import { changeFault, checkSignedChange } from './change.js';
import type { ChangeMemory } from './change-memory.js';

/**
 * Recovers one server's share of the next epoch from its static secret of that epoch and the signed change, which anyone may
 * supply. Whether the change was decided is not looked at: the share is that of a pending epoch until it was.
 * @param memory as in `verifySignedChange`
 * @throws as `verifySignedChange`; PeerFaultError `SUSPECT_SHARE` for an encrypted share that does not hold · EncodingError
 * `SCALAR_INVALID` for a static secret that is none · UsageError `STATIC_SECRET_WRONG` when no slot belongs to the static secret
 */
export function recoverChangedShare(
  before: CertifiedEpoch,
  signed: SignedChange,
  staticSecret: Secret<Uint8Array>,
  memory?: ChangeMemory,
): KeyShare {
  const result = checkSignedChange(before, signed, memory);
  const { group } = result.suite;
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'recover a share from a change'));
  const agreement = group.agree(scalar);
  try {
    const own = group.encode(group.mulBase(scalar));
    const slot = signed.change.next.roster.find(({ staticKey }) => equalBytes(staticKey, own))?.slot;
    if (slot === undefined) throw staticSecretWrong();
    const share = takeShare(signed.change, result, slot, scalar, agreement);
    if (!(share instanceof Uint8Array)) {
      const seats = dealerSeats(before, signed.change);
      throw changeFault({ code: share.code, culprits: share.culprits.map((dealer) => seats[dealer - 1]!) });
    }
    return { party: slot, share: secret<Uint8Array>(share), public: result.key.public };
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}

function staticSecretWrong(): UsageError {
  return new UsageError('this static secret belongs to no server of the epoch', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'use the static secret that this server made for this key and epoch',
  });
}
