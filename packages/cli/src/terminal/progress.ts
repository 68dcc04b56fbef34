import type { OnProgress, ProgressEvent } from '@ckm/client';
import { formatInstant, unixNow } from './instant.js';
import { createInterrupt } from './interrupt.js';
import { plainText } from './plain-text.js';
import { progressLine } from './progress-line.js';
import { isDumb, type Terminal } from './terminal.js';
import { whomText } from './whom-text.js';
import { wrapText } from './wrap-text.js';

export interface Progress {
  readonly on: OnProgress;
  /** Aborted when its owner leaves. */
  readonly left: AbortSignal;
  /**
   * Waits for the work that `on` hears of. Ctrl-C leaves it as soon as it can be gone on with later: what is on record
   * stays, here and on the servers. Once everybody has given what was asked, it is brought to its end all the same.
   * @param handOver gives the result to whoever asked for it; Ctrl-C does not keep it from that
   * @throws PolicyError `REQUEST_WAITING`, StateError `SESSION_LEFT`, `REQUEST_LEFT` when it was left
   */
  during<T>(work: Promise<T>, handOver: (result: T) => Promise<void> | void): Promise<void>;
  /** What people call the request, once it has waited for people: it is kept from then on. */
  keptAs(): string | undefined;
  end(): void;
}

const CEREMONY_STAGES: readonly ProgressEvent['stage'][] = ['propose', 'join', 'exchange', 'conclude'];
/** Whatever happens in them, what goes on is on record and goes on from there. */
const KEPT_STAGES: readonly ProgressEvent['stage'][] = ['ask', 'sign', 'wait', 'done', ...CEREMONY_STAGES];

/**
 * Shows how far a ceremony or request is: on a terminal in one line that changes, else one line for each step begun. Names
 * people's servers.
 * @param goOn what to do after it was left; where it is not said, sessions and requests are gone on with by their ids
 */
export function createProgress(terminal: Terminal, goOn?: string): Progress {
  const interrupt = createInterrupt(goOn);
  const line = createLine(terminal);
  let kept: string | undefined;
  let decided = '';
  return {
    end: () => line.end(),
    left: interrupt.signal,
    keptAs: () => kept,
    during: async (work, handOver) => {
      try {
        const result = await Promise.race([work, interrupt.rejected]);
        line.end();
        if (interrupt.isPressed()) terminal.talk('  Ctrl-C came too late: it is done');
        await handOver(result);
      } finally {
        interrupt.handedOver();
        // Left alone, it fails when the client is closed: that is nobody's business any more.
        work.catch(() => undefined);
        line.end(interrupt.signal.aborted);
      }
    },
    on: (event) => {
      // What goes on behind a command that was left is not what its last words are about.
      if (interrupt.signal.aborted) return;
      if (KEPT_STAGES.includes(event.stage)) interrupt.listen(event);
      if (event.stage === 'done') return;
      if (event.stage !== 'wait') return line.show(event);
      line.end();
      if (kept === undefined) terminal.talk(waitingLines(terminal, event));
      kept = event.id;
      const now = decisionLine(event);
      if (now !== decided && hasDecision(event)) terminal.talk(wrapText(now, terminal.columns, '  '));
      decided = now;
    },
  };
}

interface ProgressLine {
  show(event: ProgressEvent): void;
  /** @param isLeft whether the terminal has just shown a `^C` of its own, behind which nothing is to stand */
  end(isLeft?: boolean): void;
}

/** Where a line cannot be changed, each step is said when it begins, and the first questions of a signature are none. */
function createLine(terminal: Terminal): ProgressLine {
  const isLive = process.stderr.isTTY && !isDumb() && !terminal.quiet && !terminal.json;
  let last = '';
  let isOpen = false;
  return {
    end: (isLeft = false) => {
      if (isOpen || (isLeft && process.stderr.isTTY)) process.stderr.write('\n');
      isOpen = false;
    },
    show: (event) => {
      if (isLive) {
        process.stderr.write(`\r\u001b[2K${progressLine(event, process.stderr.columns ?? 80)}`);
        isOpen = true;
        return;
      }
      const step = `${event.stage} ${event.round}`;
      if (step === last || event.stage === 'ask') return;
      last = step;
      terminal.talk(progressLine(event, Number.POSITIVE_INFINITY));
    },
  };
}

/** Said once, in full: who is awaited, until when, and that nobody has to sit here. */
function waitingLines({ columns }: Terminal, event: ProgressEvent): string {
  const { id, expiresAt, staysUntil } = event;
  const now = unixNow();
  const end = expiresAt === undefined ? '' : `; the request expires ${formatInstant(expiresAt, now)}`;
  const leaves = staysUntil !== undefined && expiresAt !== undefined && staysUntil < expiresAt;
  return [
    wrapText(`waiting for ${whomText(event)}${end}`, columns, '  '),
    ...(leaves ? [`  this command waits until ${formatInstant(staysUntil, now)}`] : []),
    `  you can close this (Ctrl-C), and go on with: ckm requests resume ${id}`,
  ].join('\n');
}

function hasDecision({ have, rejected = [], refused = [], people = [] }: ProgressEvent): boolean {
  const said = people.flatMap(({ yes, no }) => [...yes, ...no]);
  return have.length + rejected.length + refused.length + said.length > 0;
}

/** What somebody wrote with a no. */
function whyOf(people: NonNullable<ProgressEvent['people']>, name: string): string {
  const all = people.flatMap(({ reasons = [] }) => reasons);
  const found = all.find((one) => one.name === name);
  return found === undefined ? '' : ` “${plainText(found.reason)}”`;
}

/** `approvals   alpha ✓   bravo ✗ “call me first”   charlie waiting`; of people by their names in the terms. */
function decisionLine({ have, rejected = [], refused = [], waiting, people = [] }: ProgressEvent): string {
  const named = (pick: (one: (typeof people)[number]) => readonly string[]) => [
    ...new Set(people.flatMap(pick)),
  ];
  // Servers at which people are awaited say nothing for themselves.
  const others = waiting.filter(
    (name) => !people.some(({ servers, waitsFor }) => waitsFor === 'people' && servers.includes(name)),
  );
  return [
    'approvals',
    ...named(({ yes }) => yes).map((name) => `${name} ✓`),
    ...named(({ no }) => no).map((name) => `${name} ✗${whyOf(people, name)}`),
    ...named(({ awaits }) => awaits.flatMap(({ of }) => of)).map((name) => `${name} waiting`),
    ...have.map((name) => `${name} ✓`),
    ...rejected.map(({ server, reason }) => `${server} ✗${reason === '' ? '' : ` “${plainText(reason)}”`}`),
    ...refused.map(({ server, reason }) => `${server} ✗ refuses: ${plainText(reason)}`),
    ...others.map((name) => `${name} waiting`),
  ].join('   ');
}
