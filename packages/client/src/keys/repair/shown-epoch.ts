import { EncodingError } from '@ckm/foundation';
import { type CertifiedEpoch, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';

/**
 * The epoch that certificates prove which are shown to a server.
 * @throws EncodingError `CERTIFICATE_KIND_UNKNOWN` behind the first epoch, or as `verifyCertificate`
 */
export function shownEpoch(chain: readonly Uint8Array[]): CertifiedEpoch {
  const [first, ...changes] = chain;
  if (first === undefined || changes.length > 0) {
    throw new EncodingError('this version repairs shares of the first epoch of a key alone', {
      code: 'CERTIFICATE_KIND_UNKNOWN',
      hint: 'bring this program up to the version that changed the key',
    });
  }
  return verifyFirstEpoch(parseCertificate(first));
}
