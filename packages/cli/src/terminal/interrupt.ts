import type { ProgressEvent } from '@ckm/client';
import { type CkmError, PolicyError, StateError } from '@ckm/foundation';
import { ENDING_SIGNALS } from './end-on-signals.js';
import { whomText } from './whom-text.js';

/** Ctrl-C, or another signal to end, as a way out of what can be gone on with later. */
export interface Interrupt {
  /** Rejects when it is left: on a signal, unless it is all but over then. */
  readonly rejected: Promise<never>;
  /** Aborted at the same moment. */
  readonly signal: AbortSignal;
  /** Whether a signal came. */
  isPressed(): boolean;
  /** From now on, until the process ends, a signal leaves what `event` is about, and does nothing else. */
  listen(event: ProgressEvent): void;
  /** The result is with whoever asked for it: nothing is lost any more when the process ends. */
  handedOver(): void;
}

const SIGNALS = ['SIGINT', ...ENDING_SIGNALS] as const;
/** The exit status of a process that was told twice. */
const IMPATIENT = 130;

/** The one that listens: a process runs one command as a rule. */
let listener: (() => void) | undefined;

/** @param goOn what to do after it was left, where that is not to go on with a session or request by its id */
export function createInterrupt(goOn?: string): Interrupt {
  let about: ProgressEvent | undefined;
  let isPressed = false;
  let isHandedOver = false;
  const controller = new AbortController();
  let reject: (reason: CkmError) => void = () => undefined;
  const rejected = new Promise<never>((_, rejects) => {
    reject = rejects;
  });
  rejected.catch(() => undefined);
  const leave = () => {
    if (!isPressed || controller.signal.aborted || isNearlyOver(about!)) return;
    controller.abort();
    reject(leftBehind(about!, goOn));
  };
  const onSignal = () => {
    // Between the two the result is nowhere on record, and in nobody's hands.
    const isAtRisk = about!.stage === 'done' && !isHandedOver;
    if (isPressed && !isAtRisk) process.exit(IMPATIENT);
    isPressed = true;
    leave();
  };
  return {
    rejected,
    signal: controller.signal,
    isPressed: () => isPressed,
    listen: (event) => {
      if (listener !== onSignal) {
        for (const signal of SIGNALS) {
          if (listener !== undefined) process.off(signal, listener);
          process.on(signal, onSignal);
        }
        listener = onSignal;
      }
      about = event;
      leave();
    },
    handedOver: () => {
      isHandedOver = true;
    },
  };
}

/**
 * Whether everybody has given what was asked: what is left is done here, in no time, and to leave now would be to lose it. Where what
 * they gave does not hold, the next event is about another attempt.
 */
function isNearlyOver({ stage, of, have, waiting }: ProgressEvent): boolean {
  if (stage === 'done') return true;
  if (stage === 'sign') return waiting.length === 0 && have.length >= of;
  return stage === 'conclude' && waiting.length === 0 && have.length > 0;
}

function leftBehind(event: ProgressEvent, goOn: string | undefined): CkmError {
  const { stage, id, of, have } = event;
  if (goOn !== undefined)
    return new StateError('you left before it was over', { code: 'SESSION_LEFT', hint: goOn });
  if (stage === 'wait') {
    return new PolicyError(`the request waits for ${whomText(event)}`, {
      code: 'REQUEST_WAITING',
      hint: `go on when it is approved: ckm requests resume ${id}`,
    });
  }
  if (stage === 'ask' || stage === 'sign') {
    return new StateError(`you left before it was signed; ${have.length} of ${of} had signed`, {
      code: 'REQUEST_LEFT',
      hint: `go on with it: ckm requests resume ${id}   or cancel it: ckm requests cancel ${id}`,
    });
  }
  return new StateError(`you left session ${id} before it was over`, {
    code: 'SESSION_LEFT',
    hint: `go on with it: ckm sessions resume ${id}   or cancel it: ckm sessions cancel ${id}`,
  });
}
