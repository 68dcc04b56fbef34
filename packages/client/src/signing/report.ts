import type { ProgressEvent } from '../progress/progress.js';
import { shortId } from '../sessions/session-record.js';
import { participantAt, type SignRun } from './sign-job.js';

/** Tells whoever watches where a signature stands. */
export function reportSigning(run: SignRun, stage: ProgressEvent['stage'], text: string): void {
  const { roast, key } = run;
  const named = (slots: readonly number[]) => slots.map((slot) => participantAt(run, slot).server.name);
  run.on({
    session: shortId(run.requestId),
    stage,
    round: Math.max(roast.attempts(), 1),
    of: key.public.quorum.needed,
    have: named(roast.slotsThatAre('ready')),
    waiting: named(roast.slotsThatAre('asked', 'signing', 'late', 'waiting')),
    text,
  });
}
