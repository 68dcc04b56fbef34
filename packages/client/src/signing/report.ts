import type { CertifiedKey } from '../keys/key-record.js';
import type { OnProgress, ProgressEvent } from '../progress/progress.js';
import type { RequestRecord } from '../requests/request-record.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { shortId } from '../store/track.js';
import { peopleWaits } from './people.js';
import { reasonIn, refusalsByRule, rejections } from './rejections.js';
import { bySlot, lastAttempt, type SignRun, thoseThatAre } from './sign-job.js';

/**
 * Tells whoever watches where a signature stands.
 * @param signed the slot of a server whose shares have just come and are not taken yet
 */
export function reportSigning(
  run: SignRun,
  stage: ProgressEvent['stage'],
  text: string,
  signed?: number,
): void {
  if (run.on === undefined) return;
  const open = run.roast.attempts.filter(({ status }) => status === 'open');
  const answered: readonly number[] = [
    ...open.flatMap(({ answers }) => answers.map(({ party }) => party)),
    ...(signed === undefined ? [] : [signed]),
  ];
  const owing: readonly number[] = open
    .flatMap(({ parties }) => parties)
    .filter((party) => !answered.includes(party));
  // Then nobody is waited for any more, whoever else was asked.
  const isComplete = open.some(({ parties }) => parties.every((party) => answered.includes(party)));
  const named = (slots: readonly number[]) =>
    namesOf(bySlot(run.participants.filter(({ slot }) => slots.includes(slot))));
  run.on({
    job: 'request',
    id: shortId(run.requestId),
    stage,
    round: Math.max(lastAttempt(run), 1),
    of: run.key.public.quorum.needed,
    text,
    ...(stage === 'wait'
      ? decisions(run)
      : { have: named(answered), waiting: isComplete ? [] : [...named(owing), ...people(run)] }),
  });
}

/** The same before anybody is asked: from now on the request is on record and may be left. */
export function reportBeginning(
  { record, key, on }: { record: RequestRecord; key: CertifiedKey; on: OnProgress | undefined },
  participants: readonly Participant[],
): void {
  on?.({
    job: 'request',
    id: shortId(record.requestId),
    stage: 'ask',
    round: 1,
    of: key.public.quorum.needed,
    have: [],
    waiting: namesOf(bySlot(participants)),
    text: 'asking servers',
  });
}

/** The same of something that was done on the way. */
export function reportAside(
  {
    requestId,
    key,
    on,
  }: {
    readonly requestId: Uint8Array;
    readonly key: Pick<CertifiedKey, 'public'>;
    readonly on: OnProgress | undefined;
  },
  text: string,
): void {
  on?.({
    job: 'request',
    id: shortId(requestId),
    stage: 'sign',
    round: 0,
    of: key.public.quorum.needed,
    have: [],
    waiting: [],
    text,
  });
}

/** The same when it is signed: from now on there is nothing to leave, and the record goes unless its owner has left before. */
export function reportDone(
  { record, key, on }: { record: RequestRecord; key: CertifiedKey; on: OnProgress | undefined },
  signers: readonly Participant[],
): void {
  on?.({
    job: 'request',
    id: shortId(record.requestId),
    stage: 'done',
    round: 1,
    of: key.public.quorum.needed,
    have: namesOf(bySlot(signers)),
    waiting: [],
    text: 'signed',
  });
}

function people(run: SignRun): string[] {
  return namesOf(bySlot(thoseThatAre(run, 'waiting', 'asked')));
}

/** Who has said yes, who no, who refuses whatever people say, and who has not decided. */
function decisions(run: SignRun) {
  return {
    have: namesOf(bySlot(thoseThatAre(run, 'open').filter((one) => run.agreed.has(one)))),
    waiting: people(run),
    rejected: rejections(run).map(({ participant, error }) => ({
      server: participant.server.name,
      reason: reasonIn(error),
    })),
    refused: refusalsByRule(run),
    ...(run.people.size === 0 ? {} : { people: peopleWaits(run) }),
    expiresAt: run.expiresAt,
    staysUntil: run.waitUntil,
  };
}
