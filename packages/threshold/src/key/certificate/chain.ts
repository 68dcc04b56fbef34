import { type KnownMembers, knownMembers } from '../../protocols/reshare/check-change.js';
import type { CertifiedEpoch } from '../../protocols/reshare/change.js';
import { type KeyCertificate, verifyCertificate } from './certificate.js';
import { type ChangeCertificate, type VoteJudge, verifyChange } from './change.js';
import type { ChangeMemory } from './change-memory.js';

/** The first epoch of a key, of its certificate. @throws as `verifyCertificate` */
export function verifyFirstEpoch(certificate: KeyCertificate): CertifiedEpoch {
  return { params: certificate.params, termsVersion: 0, ...verifyCertificate(certificate) };
}

/**
 * One link of a chain, behind an epoch that was checked. Beyond what it shows by itself, a server keeps its identity and an identity its
 * server through the whole life of the key, also across epochs that it was not part of, and no static key comes back.
 * @param known of all epochs up to that one; this one's are not added
 * @param memory as in `verifyChange`
 * @throws as `verifyChange`; EncodingError `CHANGE_INVALID`
 */
export function verifyLink(
  before: CertifiedEpoch,
  known: KnownMembers,
  certificate: ChangeCertificate,
  judge: VoteJudge,
  memory?: ChangeMemory,
): CertifiedEpoch {
  const next = verifyChange(before, certificate, judge, memory);
  known.check(next.params.roster);
  return next;
}

/**
 * Checks a key from its first epoch to its newest, link by link: each names the one before by its transcript hash, so that
 * whoever believes the first may believe the last.
 * @param changes in order of epochs; may be empty
 * @returns every epoch, the newest last
 * @throws as `verifyCertificate`, `verifyChange`
 */
export function verifyChain(
  first: KeyCertificate,
  changes: readonly ChangeCertificate[],
  judge: VoteJudge,
): readonly [CertifiedEpoch, ...CertifiedEpoch[]] {
  const start = verifyFirstEpoch(first);
  const epochs: [CertifiedEpoch, ...CertifiedEpoch[]] = [start];
  const known = knownMembers(start.params.roster);
  let newest = start;
  for (const certificate of changes) {
    newest = verifyLink(newest, known, certificate, judge);
    known.add(newest.params.roster);
    epochs.push(newest);
  }
  return epochs;
}
