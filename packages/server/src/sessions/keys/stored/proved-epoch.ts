import { type CertifiedEpoch, parseKeyParams } from '@ckm/threshold';
import type { CertifiedEpoch as OwnEpoch } from './epoch-record.js';

/** What a certificate proves of its epoch, as it was checked once: with its parameters the next one is checked. */
export type ProvedEpoch = Pick<
  OwnEpoch,
  'transcriptHash' | 'groupKey' | 'commitment' | 'verifyingShares' | 'chainCode' | 'termsVersion'
>;

/** What is stored of an epoch that a certificate proved. */
export function provedBy({ transcriptHash, public: known, termsVersion }: CertifiedEpoch): ProvedEpoch {
  return provedIn({ ...known, transcriptHash, termsVersion });
}

/** The same out of what holds it. */
export function provedIn(proved: ProvedEpoch): ProvedEpoch {
  const { transcriptHash, groupKey, commitment, verifyingShares, chainCode, termsVersion = 0 } = proved;
  const known = { transcriptHash, groupKey, commitment, verifyingShares, chainCode };
  // As rows of before are, which knew of no other terms.
  return termsVersion === 0 ? known : { ...known, termsVersion };
}

/** An epoch out of what was stored when its certificates were checked. */
export function certifiedBy(parameters: Uint8Array, proved: ProvedEpoch): CertifiedEpoch {
  const params = parseKeyParams(parameters);
  const { transcriptHash, groupKey, commitment, verifyingShares, chainCode, termsVersion = 0 } = proved;
  const { suite, quorum } = params;
  const known = { suite, quorum, groupKey, commitment, verifyingShares, chainCode };
  return { params, transcriptHash, public: known, termsVersion };
}
