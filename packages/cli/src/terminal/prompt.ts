import { reveal, wipe } from '@ckm/foundation';
import { askHiddenBytes } from './ask-hidden-bytes.js';
import { asCalled } from './called-as.js';
import { createDrawnQuestions } from './drawn-questions.js';
import { createPlainQuestions } from './plain-questions.js';
import { plainText } from './plain-text.js';
import type { Choice, Questions } from './questions.js';
import { left, requireSeat, type Seat } from './seat.js';
import { isDumb, type Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';
import { parseYesNo } from './yes-or-no.js';

/** What a question is about. */
export interface About {
  /** In one sentence, shown once more above the question unless that is still on the screen. */
  readonly sentence: string;
  /** Where all of it was written to stderr directly before the question: what was written. Null: it was not. */
  readonly shown: string | null;
}

/**
 * Yes or no, typed and ended with Enter; anything else is asked again. `--yes` answers before this is called.
 * @throws UsageError `INPUT_NEEDED` when nobody can be asked. StateError `CANCELLED_BY_PERSON` on Ctrl-C.
 */
export async function confirm(terminal: Terminal, question: string, about?: About): Promise<boolean> {
  const hint = 'answer with --yes, or run this on a terminal';
  for (;;) {
    const typed = await asked(terminal, question, hint, (questions, seat) => {
      remind(seat.output, about);
      return questions.line(`${question} (y or n)`);
    });
    const answer = parseYesNo(typed);
    if (answer !== null) return answer;
    terminal.warn('  type y or n, then Enter');
  }
}

/** A word that is typed out to say yes to what cannot be taken back. @throws as {@link confirm}. */
export async function askTyped(terminal: Terminal, question: string, about: About): Promise<string> {
  return asked(terminal, question, 'run this on a terminal', (questions, seat) => {
    remind(seat.output, about);
    return questions.line(question);
  });
}

/** The question may be asked elsewhere than where the description went, and a long one has left the screen by its end. */
function remind(output: Seat['output'], about: About | undefined): void {
  if (about === undefined || isInView(output, about.shown)) return;
  output.write(`\n${wrapText(plainText(about.sentence), output.columns, '  ')}\n`);
}

/** Lines that questions take behind what was shown. */
const QUESTION_LINES = 8;

function isInView({ rows }: Seat['output'], shown: string | null): boolean {
  if (shown === null || !process.stderr.isTTY || !(rows > 0)) return false;
  return shown.split('\n').length + QUESTION_LINES <= rows;
}

/** One line of text. @throws as {@link confirm}. */
export async function askLine(terminal: Terminal, question: string, hint: string): Promise<string> {
  return asked(terminal, question, hint, (questions) => questions.line(question));
}

/** One of several. @param first where the mark stands at first @throws as {@link confirm}. */
export async function askChoice<V extends string>(
  terminal: Terminal,
  question: string,
  choices: readonly Choice<V>[],
  first: V,
  hint: string,
): Promise<V> {
  const answer = await asked(terminal, question, hint, (questions) =>
    questions.choice(question, choices, first),
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
  return asked(terminal, question, hint, (questions) => questions.several(question, choices, chosen));
}

/**
 * One line that is not echoed, not even as stars: the length is nobody's business.
 * @param wordsWanted as of {@link askHiddenBytes}
 * @throws as {@link confirm}.
 */
export async function askHidden(
  terminal: Terminal,
  question: string,
  hint: string,
  wordsWanted: number | null = null,
): Promise<string> {
  const typed = await askHiddenBytes(terminal, question, hint, wordsWanted);
  const text = new TextDecoder().decode(reveal(typed, 'reading what was typed'));
  wipe(typed);
  return text;
}

async function asked<T>(
  terminal: Terminal,
  question: string,
  hint: string,
  ask: (questions: Questions, seat: Seat) => Promise<T | undefined>,
): Promise<T> {
  const seat = requireSeat(terminal, question, hint);
  try {
    const questions = isDumb() ? createPlainQuestions(seat) : await createDrawnQuestions(seat);
    const answer = await ask(inOurNames(questions), seat);
    if (answer === undefined) throw left();
    return answer;
  } finally {
    seat.leave();
  }
}

/** Questions whose commands are named as this one was called. */
function inOurNames({ line, choice, several }: Questions): Questions {
  const named = (choices: readonly Choice<string>[]) =>
    choices.map((one) => (one.hint === undefined ? one : { ...one, hint: asCalled(one.hint) }));
  return {
    line: (question) => line(asCalled(question)),
    choice: (question, choices, first) => choice(asCalled(question), named(choices), first),
    several: (question, choices, chosen) => several(asCalled(question), named(choices), chosen),
  };
}
