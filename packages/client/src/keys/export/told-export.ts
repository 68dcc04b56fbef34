import { EXPORT_STEPS, type ExportStep } from '../../progress/job-steps.js';
import type { OnProgress, ProgressEvent } from '../../progress/progress.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { shortId } from '../../store/track.js';
import type { Said } from './hear-export.js';

export interface ToldExport {
  /** Of those that have answered whether they give their shares. */
  asked(heard: readonly Said[]): void;
  /** @param next whose share is asked for now; null: there are enough */
  taking(heard: readonly Said[], next: Participant | null): void;
  /** That those who gave none are told of it. */
  telling(heard: readonly Said[], isDone: boolean): void;
}

const STEPS = Object.keys(EXPORT_STEPS) as readonly ExportStep[];

/** Tells whoever watches how far an export is. */
export function tellExport(
  on: OnProgress,
  { sessionId }: { readonly sessionId: Uint8Array },
  roster: readonly Participant[],
): ToldExport {
  const tell = (step: ExportStep, have: readonly Participant[], waiting: readonly Participant[]) => {
    const stage: ProgressEvent['stage'] =
      step === 'ask' ? 'propose' : step === 'tell' ? 'conclude' : 'exchange';
    on({
      job: 'export',
      id: shortId(sessionId),
      stage,
      round: STEPS.indexOf(step) + 1,
      of: STEPS.length,
      have: namesOf(have),
      waiting: namesOf(waiting),
      text: EXPORT_STEPS[step],
    });
  };
  const those = (heard: readonly Said[], which: (one: Said) => boolean) =>
    roster.filter((one) => heard.some((said) => said.participant === one && which(said)));
  const givers = (heard: readonly Said[]) => those(heard, ({ share }) => share !== null);
  return {
    asked: (heard) => {
      const left = roster.filter((one) => !heard.some(({ participant }) => participant === one));
      tell(
        'ask',
        those(heard, ({ yes }) => yes !== null),
        left,
      );
    },
    taking: (heard, next) => tell('take', givers(heard), next === null ? [] : [next]),
    telling: (heard, isDone) => {
      const given = givers(heard);
      tell('tell', given, isDone ? [] : roster.filter((one) => !given.includes(one)));
    },
  };
}
