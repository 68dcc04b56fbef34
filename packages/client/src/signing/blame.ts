import type { RoastFaultCode } from '@ckm/threshold';
import { saveEvidence } from '../evidence/evidence.js';
import { participantAt, type SignRun } from './sign-job.js';

/**
 * Leaves a culprit out of this request for good, forgets its commitments, and keeps what showed its fault to this
 * client. That convinces nobody else: a server signs its answers as messages, not the package that it answers, and
 * whoever shows one share with another package makes an honest server look wrong.
 */
export async function blame(run: SignRun, slot: number, code: RoastFaultCode): Promise<void> {
  const participant = participantAt(run, slot);
  if (participant === undefined) return;
  const { context, requestId, request, craft, key } = run;
  run.serverStates.set(participant, 'faulty');
  craft.drop(slot);
  const attempts = run.roast.attempts
    .filter(({ parties }) => (parties as readonly number[]).includes(slot))
    .map(({ number, parties, packages, answers }) => ({
      number: run.base + number,
      parties,
      packages: packages.map(({ message, commitments }) => ({
        message,
        commitments: commitments.map(({ party, hiding, binding }) => ({ party, hiding, binding })),
      })),
      shares: answers.find(({ party }) => party === slot)?.shares ?? [],
    }));
  const evidence = await saveEvidence(context.store, {
    code,
    sessionId: requestId,
    serverId: participant.server.xid,
    at: context.clock(),
    convinces: 'owner',
    exhibits: { keyId: key.keyId, kind: request.kind, payload: request.payload, slot, attempts },
  });
  run.faults.push({ participant, code, evidence });
}
