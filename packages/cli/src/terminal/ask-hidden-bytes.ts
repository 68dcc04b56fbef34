import { reveal, type Secret, secret, UsageError } from '@ckm/foundation';
import { createHiddenLine, HIDDEN_LINE_BYTES, type HiddenLine, type LineState } from './hidden-line.js';
import { endQuiet, keepQuiet } from './quiet-input.js';
import { plainText } from './plain-text.js';
import { left, requireSeat, type Seat } from './seat.js';
import { isDumb, type Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';

/** Lines that draw a question as one that waits. */
interface Drawing {
  /** Shows what is said of the answer so far, in the place of what was said before. */
  progress(text: string): void;
  /** Shows the answer as it is by now, or nothing of it. */
  look(answer: Uint8Array | null): void;
  /** Shows the question as one that is answered, or was left. */
  end(state: LineState): void;
}

/**
 * One line that is not echoed, as bytes that were never a string. Looks like the other questions. What is typed behind the
 * answer is not echoed either, until the next question or the end of the command.
 * @param wordsWanted how many words the answer has, where that is no secret: they are counted as they are typed
 * @returns what was typed, as the terminal sent it: UTF-8 as a rule
 * @throws UsageError `INPUT_NEEDED`, `PASSPHRASE_UNREADABLE` when it is too long; StateError `CANCELLED_BY_PERSON`
 */
export async function askHiddenBytes(
  terminal: Terminal,
  question: string,
  hint: string,
  wordsWanted: number | null = null,
): Promise<Secret<Uint8Array>> {
  return ask(terminal, question, hint, (line, drawing) => {
    if (wordsWanted !== null) drawing.progress(progressText(line.words(), wordsWanted));
  });
}

/**
 * The same for something new, which Tab shows to whoever types it. What was looked at has been a string for a moment.
 * @returns `wasSeen`: whether it stood on the screen when it was ended
 * @throws as {@link askHiddenBytes}
 */
export async function askNewBytes(
  terminal: Terminal,
  question: string,
  hint: string,
): Promise<{ readonly typed: Secret<Uint8Array>; readonly wasSeen: boolean }> {
  let seen: number | null = null;
  const typed = await ask(terminal, question, hint, (line, drawing, state) => {
    // What came together with Enter was on no screen for anybody to read.
    if (isDumb() || state !== 'open') return;
    const shown = line.shown();
    seen = shown?.length ?? null;
    drawing.look(shown);
    shown?.fill(0);
  });
  return { typed, wasSeen: seen === reveal(typed, 'comparing with what was shown').length };
}

async function ask(
  terminal: Terminal,
  question: string,
  hint: string,
  draws: (line: HiddenLine, drawing: Drawing, state: LineState) => void,
): Promise<Secret<Uint8Array>> {
  const early = endQuiet();
  const seat = requireSeat(terminal, question, hint);
  const line = createHiddenLine();
  let isAnswered = false;
  try {
    // Before the question is there to be answered: whoever types at once would see it, and Ctrl-C would be a signal.
    seat.input.setRawMode(true);
    const drawing = (isDumb() ? drawPlainly : draw)(terminal, seat.output, question);
    const feed = (bytes: Uint8Array) => {
      const after = line.feed(bytes);
      draws(line, drawing, after);
      return after;
    };
    const state = await readInto(seat.input, feed, early);
    drawing.end(state);
    if (state !== 'ended') throw left();
    const typed = line.take();
    if (typed === null) throw tooLong();
    isAnswered = true;
    return secret(typed);
  } finally {
    line.wipe();
    if (isAnswered) keepQuiet(seat.input);
    else {
      seat.input.setRawMode(false);
      seat.leave();
    }
  }
}

/** Where something longer is an answer, too, it is only counted. */
function progressText(words: number, wanted: number): string {
  return words > wanted ? `${words} words` : `${words} of ${wanted}`;
}

/**
 * Hands on what is typed until it is enough; a terminal that goes away is one that was left.
 * @param early what was typed before the question was there
 */
function readInto(
  input: Seat['input'],
  feed: (bytes: Uint8Array) => LineState,
  early: Uint8Array,
): Promise<LineState> {
  const before = feed(early);
  if (before !== 'open') return Promise.resolve(before);
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      input.off('data', onData).off('end', onEnd).off('error', onError);
      input.pause();
      settle();
    };
    const onData = (chunk: Uint8Array) => {
      const state = feed(chunk);
      if (state !== 'open') end(() => resolve(state));
    };
    const onEnd = () => end(() => resolve('left'));
    const onError = (error: Error) => end(() => reject(error));
    input.on('data', onData).on('end', onEnd).on('error', onError);
    input.resume();
  });
}

function draw(terminal: Terminal, output: Seat['output'], question: string): Drawing {
  const lines = wrapText(plainText(question), (output.columns ?? 80) - 3, '').split('\n');
  const bar = terminal.style('dim', '│');
  const show = (sign: string) => lines.map((text, at) => `${at === 0 ? sign : ' '}  ${text}\n`).join('');
  output.write(`${bar}\n${show(terminal.style('bold', '◆'))}${bar}  `);
  const instead = (text: string) => output.write(`\r\u001b[2K${bar}  ${text}`);
  let isEmpty = true;
  return {
    progress: (text) => instead(`${terminal.style('dim', text)} `),
    look: (answer) => {
      if (answer !== null || !isEmpty)
        instead(answer === null ? '' : endOf(answer, (output.columns ?? 80) - 4));
      isEmpty = answer === null;
    },
    end: (state) => {
      const sign = state === 'ended' ? terminal.style('green', '◇') : terminal.style('red', '■');
      output.write(`\r\u001b[${lines.length}A\u001b[J${show(sign)}${bar}\n`);
    },
  };
}

/** As much of the end of it as fits into half a line: letters of some languages take two places. */
function endOf(answer: Uint8Array, width: number): string {
  const letters = Array.from(plainText(new TextDecoder().decode(answer)));
  const most = Math.max(8, Math.floor(width / 2));
  return letters.length > most ? `…${letters.slice(-most).join('')}` : letters.join('');
}

/** The same on a terminal that cannot move its cursor: there is no place where anything could change. */
function drawPlainly(_terminal: Terminal, output: Seat['output'], question: string): Drawing {
  output.write(`${wrapText(plainText(question), output.columns)}: `);
  return { progress: () => undefined, look: () => undefined, end: () => output.write('\n') };
}

function tooLong(): UsageError {
  return new UsageError(`what was typed is longer than ${HIDDEN_LINE_BYTES} bytes`, {
    code: 'PASSPHRASE_UNREADABLE',
    hint: 'use a shorter passphrase: several words',
  });
}
