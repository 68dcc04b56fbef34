import type { ProgressEvent } from '../progress/progress.js';
import { shortId } from '../store/track.js';
import { lastAttempt, type SignRun, thoseThatAre } from './sign-job.js';

/** Tells whoever watches where a signature stands. */
export function reportSigning(run: SignRun, stage: ProgressEvent['stage'], text: string): void {
  if (run.on === undefined) return;
  const open = run.roast.attempts.filter(({ status }) => status === 'open');
  const answered: readonly number[] = open.flatMap(({ answers }) => answers.map(({ party }) => party));
  const owing: readonly number[] = open
    .flatMap(({ parties }) => parties)
    .filter((party) => !answered.includes(party));
  const named = (slots: readonly number[]) =>
    run.participants.filter(({ slot }) => slots.includes(slot)).map(({ server }) => server.name);
  const people = thoseThatAre(run, 'waiting', 'asked').map(({ server }) => server.name);
  run.on({
    id: shortId(run.requestId),
    stage,
    round: Math.max(lastAttempt(run), 1),
    of: run.key.public.quorum.needed,
    have: named(answered),
    waiting: [...named(owing), ...people],
    ...(stage === 'wait' ? { expiresAt: run.expiresAt, staysUntil: run.waitUntil } : {}),
    text,
  });
}
