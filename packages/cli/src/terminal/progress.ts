import type { OnProgress, ProgressEvent } from '@ckm/client';
import { type CkmError, PolicyError, StateError } from '@ckm/foundation';
import { formatInstant, unixNow } from './instant.js';
import { plainText } from './plain-text.js';
import type { Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';

export interface Progress {
  readonly on: OnProgress;
  /**
   * Waits for the work that `on` hears of. Ctrl-C leaves it as soon as it can be gone on with later: what is on record
   * stays, here and on the servers.
   * @throws PolicyError `REQUEST_WAITING`, StateError `SESSION_LEFT` when it was left
   */
  during<T>(work: Promise<T>): Promise<T>;
  /** What people call the request, once it has waited for people: it is kept from then on. */
  waitedAs(): string | undefined;
  end(): void;
}

const CEREMONY_STAGES: readonly ProgressEvent['stage'][] = ['propose', 'join', 'exchange', 'conclude'];
/** Whatever happens in them, what goes on is on record and goes on from there. */
const KEPT_STAGES: readonly ProgressEvent['stage'][] = ['wait', ...CEREMONY_STAGES];
/** The exit status of a process that was told twice. */
const IMPATIENT = 130;

/**
 * Shows how far a ceremony or request is: on a terminal in one line that changes, else one line for each step begun. Names
 * people's servers; rounds are a detail.
 */
export function createProgress(terminal: Terminal): Progress {
  const live = process.stderr.isTTY && !terminal.quiet && !terminal.json;
  const interrupt = createInterrupt();
  let last = '';
  let isOpen = false;
  let waited: string | undefined;
  const end = () => {
    if (isOpen) process.stderr.write('\n');
    isOpen = false;
  };
  return {
    end,
    waitedAs: () => waited,
    during: async (work) => {
      try {
        return await Promise.race([work, interrupt.left]);
      } finally {
        // Left alone, it fails when the client is closed: that is nobody's business any more.
        work.catch(() => undefined);
        interrupt.release();
        end();
      }
    },
    on: (event) => {
      if (KEPT_STAGES.includes(event.stage)) interrupt.listen(event);
      if (event.stage === 'wait') {
        waited = event.id;
        end();
        terminal.talk(waitingLines(terminal, event));
        return;
      }
      if (live) {
        const line = plainText(progressLine(event)).slice(0, (process.stderr.columns ?? 80) - 1);
        process.stderr.write(`\r\u001b[2K${line}`);
        isOpen = true;
        return;
      }
      const step = `${event.stage} ${event.round}`;
      if (step === last) return;
      last = step;
      terminal.talk(progressLine(event));
    },
  };
}

interface Interrupt {
  /** Rejects on Ctrl-C. */
  readonly left: Promise<never>;
  /** From now on Ctrl-C leaves what `event` is about. */
  listen(event: ProgressEvent): void;
  release(): void;
}

function createInterrupt(): Interrupt {
  let about: ProgressEvent | undefined;
  let isLeaving = false;
  let leave: (reason: CkmError) => void = () => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = reject;
  });
  left.catch(() => undefined);
  const onSignal = () => {
    if (isLeaving) process.exit(IMPATIENT);
    isLeaving = true;
    leave(leftBehind(about!));
  };
  return {
    left,
    listen: (event) => {
      if (about === undefined) process.on('SIGINT', onSignal);
      about = event;
    },
    release: () => {
      process.off('SIGINT', onSignal);
    },
  };
}

function leftBehind({ stage, id, waiting }: ProgressEvent): CkmError {
  if (stage === 'wait') {
    return new PolicyError(`the request waits for a person at ${waiting.join(', ')}`, {
      code: 'REQUEST_WAITING',
      hint: `go on when it is approved: ckm requests resume ${id}`,
    });
  }
  return new StateError(`you left session ${id} before it was over`, {
    code: 'SESSION_LEFT',
    hint: `go on with it: ckm sessions resume ${id}`,
  });
}

/** Said once, in full: who is awaited, until when, and that nobody has to sit here. */
function waitingLines({ columns }: Terminal, { id, waiting, expiresAt, staysUntil }: ProgressEvent): string {
  const now = unixNow();
  const end = expiresAt === undefined ? '' : `; the request expires ${formatInstant(expiresAt, now)}`;
  const leaves = staysUntil !== undefined && expiresAt !== undefined && staysUntil < expiresAt;
  return [
    wrapText(`waiting for the operators of ${waiting.map(plainText).join(', ')}${end}`, columns, '  '),
    ...(leaves ? [`  this command waits until ${formatInstant(staysUntil, now)}`] : []),
    `  you can close this (Ctrl-C), and go on with: ckm requests resume ${id}`,
  ].join('\n');
}

function progressLine({ id, stage, round, of, have, waiting, text }: ProgressEvent): string {
  const isCeremony = CEREMONY_STAGES.includes(stage);
  const step = isCeremony ? ` · ${round} of ${of}` : '';
  const done = have.map((name) => `${name} ✓`).join(' ');
  const open = waiting.length === 0 ? '' : `waiting: ${waiting.join(', ')}`;
  const parts = [done, open].filter((part) => part !== '').join(' · ');
  return `  ${isCeremony ? 'session' : 'request'} ${id}${step} · ${text}${parts === '' ? '' : ` · ${parts}`}`;
}
