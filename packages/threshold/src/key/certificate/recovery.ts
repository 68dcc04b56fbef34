import { equalBytes, reveal, type Secret, secret, UsageError } from '@ckm/foundation';
import { hashTranscript } from '../transcript-hash.js';
import type { DkgOutput } from '../../protocols/dkg/output.js';
import { checkCertificate, faultError, type KeyCertificate } from './certificate.js';
import { staticPointsOf } from '../../protocols/dkg/dealing.js';
import { receiveShares } from '../../protocols/dkg/receive-shares.js';
import { staticKeysOf } from '../../protocols/dkg/run.js';

/**
 * Recovers one server's share from its static secret and the certificate, which anyone may supply: tampering is
 * found, because every byte of it is under all signatures, the server's own among them. That own signature proves that
 * the former self had checked its shares.
 * @throws PeerFaultError, EncodingError as `verifyCertificate`; PeerFaultError `SUSPECT_SHARE` for an encrypted share
 * that does not hold · EncodingError `SCALAR_INVALID` for a static secret that is none · UsageError `STATIC_SECRET_WRONG` when no slot belongs to the static secret
 */
export function recoverShare(certificate: KeyCertificate, staticSecret: Secret<Uint8Array>): DkgOutput {
  const result = checkCertificate(certificate);
  const { suite, key } = result;
  const { group } = suite;
  const { roster } = certificate.params;
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'recover a share from a certificate'));
  try {
    const own = group.encode(group.mulBase(scalar));
    const entry = roster.find(({ staticKey }) => equalBytes(staticKey, own));
    if (entry === undefined) throw staticSecretWrong();
    const staticKeys = staticKeysOf(certificate.params);
    const staticPoints = staticPointsOf(suite, scalar, staticKeys, entry.slot);
    const agreement = group.agree(scalar);
    const share = receiveShares({
      ...result,
      me: entry.slot,
      agreement,
      senderKeys: staticKeys,
      receiverKey: own,
      staticPoints,
    });
    agreement.end();
    staticPoints.fill(0);
    if (!(share instanceof Uint8Array)) throw faultError(share);
    return {
      share: { party: entry.slot, share: secret<Uint8Array>(share), public: key.public },
      certificate,
      transcriptHash: hashTranscript(result.transcript),
    };
  } finally {
    scalar.fill(0);
  }
}

function staticSecretWrong(): UsageError {
  return new UsageError('this static secret belongs to no server of the key', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'use the static secret that this server made for this key',
  });
}
