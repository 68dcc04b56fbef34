import { type DkgResult, dkgResult, type SessionView } from '@ckm/api';
import { AvailabilityError, CkmError } from '@ckm/foundation';
import type { KeyTerms } from '@ckm/api';
import type { ServerLink } from '../../carrier/server-link.js';
import { STORING } from '../../progress/job-steps.js';
import { isSilence, type Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Ending } from '../../sessions/ceremony.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import type { AssembledCertificate } from './certificate.js';

/** Which servers have promised that they stored a certificate, and which cannot. */
export interface Promised {
  readonly acknowledged: readonly Participant[];
  /** Servers that have not promised yet: the key must not receive value. */
  readonly missing: readonly Participant[];
  /** Those of them that cannot, with what they say. */
  readonly refusals: ReadonlyMap<Participant, CkmError>;
}

/**
 * Hands out the signatures of the transcript, and collects the promises that the certificate is stored.
 * @param before slots that had promised already, and are not asked again
 * @throws PeerFaultError `FAULT_CERTIFICATE_DIFFERS`, `FAULT_ACKNOWLEDGEMENT_INVALID`
 */
export async function certify(
  ending: Ending,
  certificate: AssembledCertificate,
  policy: KeyTerms,
  before: readonly number[],
): Promise<Promised> {
  const { participants } = ending;
  const {
    transcriptHash,
    certificate: { params },
  } = certificate;
  const promised = new Set<Participant>();
  const refusals = new Map<Participant, CkmError>();
  const missing = () => participants.filter((one) => !promised.has(one) && !before.includes(one.slot));
  try {
    await ending.gather(STORING, {
      missing: () => missing().filter((one) => !refusals.has(one)),
      ask: async (participant, link) => {
        const view = await ending.handOut(participant).catch(isOver);
        const stored =
          resultIn(participant, view) ?? (await storeAt(participant, link, certificate, policy, refusals));
        if (stored === null) return;
        checkAcknowledgement({ transcriptHash, params }, participant, stored);
        promised.add(participant);
      },
    });
  } catch (error) {
    if (!(error instanceof AvailabilityError)) throw error;
    const { forgotten } = error.facts;
    for (const one of missing()) if (one.server.name === forgotten) refusals.set(one, error);
  }
  const left = missing();
  return { acknowledged: participants.filter((one) => !left.includes(one)), missing: left, refusals };
}

/**
 * Has a server store the certificate, whatever became of its session: it completes the share that waits for it, or one
 * that lost its share recovers it from the certificate, where it can. Null: it can do neither, and says why.
 */
async function storeAt(
  participant: Participant,
  link: ServerLink,
  { encoded: certificate, certificate: { params } }: AssembledCertificate,
  policy: KeyTerms,
  refusals: Map<Participant, CkmError>,
): Promise<DkgResult | null> {
  const { keyId } = params;
  try {
    return await link.call('key.certify', { keyId, certificate }).catch((error: unknown) => {
      if (!(error instanceof CkmError) || error.code !== 'KEY_UNKNOWN') throw error;
      return link.call('key.restore', { certificate, policy });
    });
  } catch (error) {
    const isRefusal = error instanceof CkmError && error.facts['server'] === participant.server.name;
    if (!isRefusal || isSilence(error) || /^(FAULT|SUSPECT)_/.test(error.code)) throw error;
    refusals.set(participant, error);
    return null;
  }
}

/** What a finished session left, if it did. @throws PeerFaultError `FAULT_ACKNOWLEDGEMENT_INVALID` */
function resultIn(participant: Participant, view: SessionView | null): DkgResult | null {
  if (view === null || view.result === null) return null;
  const parsed = dkgResult.safeParse(view.result);
  if (parsed.success) return parsed.data;
  throw serverFault('FAULT_ACKNOWLEDGEMENT_INVALID', [participant], 'says of the key what cannot be read');
}

/** A session that a server has closed or forgotten does not matter any more: the certificate speaks for itself. */
function isOver(error: unknown): null {
  if (error instanceof CkmError && error.errorClass === 'StateError') return null;
  throw error;
}
