import type { ProgressEvent } from '@ckm/client';
import { type CkmError, PolicyError, StateError } from '@ckm/foundation';

/** Ctrl-C as a way out of what can be gone on with later. */
export interface Interrupt {
  /** Rejects on Ctrl-C. */
  readonly rejected: Promise<never>;
  /** Aborted at the same moment. */
  readonly signal: AbortSignal;
  /** From now on Ctrl-C leaves what `event` is about. */
  listen(event: ProgressEvent): void;
  release(): void;
}

/** The exit status of a process that was told twice. */
const IMPATIENT = 130;

export function createInterrupt(): Interrupt {
  let about: ProgressEvent | undefined;
  const controller = new AbortController();
  let leave: (reason: CkmError) => void = () => undefined;
  const rejected = new Promise<never>((_, reject) => {
    leave = reject;
  });
  rejected.catch(() => undefined);
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(IMPATIENT);
    controller.abort();
    leave(leftBehind(about!));
  };
  return {
    rejected,
    signal: controller.signal,
    listen: (event) => {
      if (about === undefined) process.on('SIGINT', onSignal);
      about = event;
    },
    release: () => {
      process.off('SIGINT', onSignal);
    },
  };
}

function leftBehind({ stage, id, of, have, waiting }: ProgressEvent): CkmError {
  if (stage === 'wait') {
    return new PolicyError(`the request waits for a person at ${waiting.join(', ')}`, {
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
