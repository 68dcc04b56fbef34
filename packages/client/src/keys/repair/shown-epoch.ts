import type { CertifiedEpoch } from '@ckm/threshold';
import { checkWhole, epochProvedBy } from '../chain/key-chain.js';
import type { RepairRecord } from './repair-record.js';

/** The epoch that certificates prove which are shown to a server, the newest last. @throws as `verifyChain` */
export function shownEpoch({
  proposal: { chain },
  before,
}: Pick<RepairRecord, 'proposal' | 'before'>): CertifiedEpoch {
  const [certificate, ...changes] = chain as [Uint8Array, ...Uint8Array[]];
  return before === null
    ? checkWhole({ certificate, changes }).newest
    : epochProvedBy({ before }, certificate);
}
