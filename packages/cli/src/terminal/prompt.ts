import { StateError, UsageError } from '@ckm/foundation';
import type * as clackModule from '@clack/prompts';
import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { plainText } from './plain-text.js';
import { endQuiet, isQuiet } from './quiet-input.js';
import type { Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';
import { parseYesNo } from './yes-or-no.js';

/** Where a person sits: what they type comes from `input`, what they read goes to `output`. */
export interface Seat {
  readonly input: NodeJS.ReadStream | ReadStream;
  readonly output: NodeJS.WriteStream | WriteStream;
  leave(): void;
}

/**
 * Yes or no, typed and ended with Enter; anything else is asked again. `--yes` answers before this is called.
 * @param about shown directly above the question, where it cannot have been pushed off the screen
 * @throws UsageError `INPUT_NEEDED` when nobody can be asked. StateError `CANCELLED_BY_PERSON` on Ctrl-C.
 */
export async function confirm(terminal: Terminal, question: string, about?: string): Promise<boolean> {
  const hint = 'answer with --yes, or run this on a terminal';
  for (;;) {
    const typed = await asked(terminal, question, hint, (clack, seat) => {
      remind(seat.output, about);
      return clack.text({ message: `${question} (y or n)`, ...seat });
    });
    const answer = parseYesNo(String(typed ?? ''));
    if (answer !== null) return answer;
    terminal.warn('  type y or n, then Enter');
  }
}

/** A word that is typed out to say yes to what cannot be taken back. @throws as {@link confirm}. */
export async function askTyped(terminal: Terminal, question: string, about: string): Promise<string> {
  const answer = await asked(terminal, question, 'run this on a terminal', (clack, seat) => {
    remind(seat.output, about);
    return clack.text({ message: question, ...seat });
  });
  return String(answer ?? '');
}

/** Whether somebody sits where a question would be asked. */
export function canAsk(terminal: Terminal): boolean {
  const seat = terminal.input ? takeSeat(terminal.direct) : undefined;
  seat?.leave();
  return seat !== undefined;
}

/** The question may be asked elsewhere than where the description went, and long after it. */
function remind(output: Seat['output'], about: string | undefined): void {
  if (about !== undefined) output.write(`\n${wrapText(plainText(about), output.columns, '  ')}\n`);
}

/** One line of text. @throws as {@link confirm}. */
export async function askLine(terminal: Terminal, question: string, hint: string): Promise<string> {
  const answer = await asked(terminal, question, hint, (clack, seat) =>
    clack.text({ message: question, ...seat }),
  );
  return String(answer ?? '');
}

export interface Choice<V extends string> {
  readonly value: V;
  readonly label: string;
  readonly hint?: string;
}

/** One of several. @param first where the mark stands at first @throws as {@link confirm}. */
export async function askChoice<V extends string>(
  terminal: Terminal,
  question: string,
  choices: readonly Choice<V>[],
  first: V,
  hint: string,
): Promise<V> {
  const options = choices.map(({ value, label, hint: more }) => ({
    value: value as string,
    label,
    ...(more === undefined ? {} : { hint: more }),
  }));
  const answer = await asked(terminal, question, hint, (clack, seat) =>
    clack.select<string>({ message: question, options, initialValue: first, ...seat }),
  );
  return choices.find(({ value }) => value === answer)!.value;
}

/** At least one of several. @param chosen marked at first @throws as {@link confirm}. */
export async function askSeveral(
  terminal: Terminal,
  question: string,
  choices: readonly Choice<string>[],
  chosen: readonly string[],
  hint: string,
): Promise<readonly string[]> {
  const options = choices.map(({ value, label }) => ({ value, label }));
  const answer = await asked(terminal, question, hint, (clack, seat) =>
    clack.multiselect<string>({
      message: question,
      options,
      initialValues: [...chosen],
      required: true,
      ...seat,
    }),
  );
  return answer as readonly string[];
}

/** One line that is not echoed, not even as stars: the length is nobody's business. @throws as {@link confirm}. */
export async function askHidden(terminal: Terminal, question: string, hint: string): Promise<string> {
  const answer = await asked(terminal, question, hint, (clack, seat) =>
    clack.password({ message: question, mask: '', ...seat }),
  );
  return String(answer ?? '');
}

/** The person said no. */
export function cancelled(): StateError {
  return notDone('nothing was done: the answer was no');
}

/** The person left the question without an answer. */
export function left(): StateError {
  return notDone('nothing was done: you left the question');
}

function notDone(what: string): StateError {
  return new StateError(what, { code: 'CANCELLED_BY_PERSON', hint: 'run it again when you want to' });
}

type Clack = typeof clackModule;

async function asked<T>(
  terminal: Terminal,
  question: string,
  hint: string,
  ask: (clack: Clack, seat: { input: Seat['input']; output: Seat['output'] }) => Promise<T | symbol>,
): Promise<T> {
  const seat = requireSeat(terminal, question, hint);
  try {
    const clack = await import('@clack/prompts');
    const answer = await ask(clack, { input: seat.input, output: seat.output });
    if (clack.isCancel(answer)) throw left();
    return answer as T;
  } finally {
    seat.leave();
  }
}

function stopReading(): void {
  if (!isQuiet()) process.stdin.pause();
}

/** @throws UsageError `INPUT_NEEDED` when nobody can be asked. */
export function requireSeat(terminal: Terminal, question: string, hint: string): Seat {
  endQuiet().fill(0);
  const seat = terminal.input ? takeSeat(terminal.direct) : undefined;
  if (seat !== undefined) return seat;
  throw new UsageError(`this needs an answer and nobody can be asked: ${question}`, {
    code: 'INPUT_NEEDED',
    hint,
  });
}

/** A terminal on stdin; else, with stdin in use for data, the terminal that stderr shows; `direct`: even without. */
function takeSeat(direct: boolean): Seat | undefined {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    return { input: process.stdin, output: process.stderr, leave: stopReading };
  }
  if (!process.stderr.isTTY && !direct) return undefined;
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    const output = new WriteStream(openSync('/dev/tty', 'w'));
    return {
      input,
      output,
      leave: () => {
        input.destroy();
        output.destroy();
      },
    };
  } catch {
    return undefined;
  }
}
