import type { OnProgress, ProgressEvent } from '@ckm/client';
import { plainText } from './plain-text.js';
import type { Terminal } from './terminal.js';

export interface Progress {
  readonly on: OnProgress;
  /** What people call the session, once the request has waited for people: it is kept from then on. */
  waitedAs(): string | undefined;
  end(): void;
}

/**
 * Shows where a ceremony stands: on a terminal in one line that changes, else one line for each step begun. Names
 * people's servers; rounds are a detail.
 */
export function createProgress(terminal: Terminal): Progress {
  const live = process.stderr.isTTY && !terminal.quiet && !terminal.json;
  let last = '';
  let isOpen = false;
  let waited: string | undefined;
  return {
    waitedAs: () => waited,
    on: (event) => {
      if (event.stage === 'wait') waited = event.session;
      if (terminal.quiet) return;
      if (live) {
        process.stderr.write(
          `\r\u001b[2K${plainText(progressLine(event)).slice(0, (process.stderr.columns ?? 80) - 1)}`,
        );
        isOpen = true;
        return;
      }
      const step = `${event.stage} ${event.round}`;
      if (step === last) return;
      last = step;
      terminal.talk(progressLine(event));
    },
    end: () => {
      if (isOpen) process.stderr.write('\n');
      isOpen = false;
    },
  };
}

function progressLine({ session, stage, round, of, have, waiting, text }: ProgressEvent): string {
  const step = stage === 'sign' || stage === 'wait' || stage === 'ask' ? '' : ` · ${round} of ${of}`;
  const done = have.map((name) => `${name} ✓`).join(' ');
  const open = waiting.length === 0 ? '' : `waiting: ${waiting.join(', ')}`;
  const parts = [done, open].filter((part) => part !== '').join(' · ');
  return `  session ${session}${step} · ${text}${parts === '' ? '' : ` · ${parts}`}`;
}
