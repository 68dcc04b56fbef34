import {
  type CertifiedEpoch,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  verifyChain,
} from '@ckm/threshold';

/** The epoch that certificates prove which are shown to a server, the newest last. @throws as `verifyChain` */
export function shownEpoch(chain: readonly Uint8Array[]): CertifiedEpoch {
  const [first, ...changes] = chain as [Uint8Array, ...Uint8Array[]];
  return verifyChain(parseCertificate(first), changes.map(parseChangeCertificate), judgeVotes).at(-1)!;
}
