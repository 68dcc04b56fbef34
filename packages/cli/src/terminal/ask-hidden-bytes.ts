import { type Secret, secret, UsageError } from '@ckm/foundation';
import { createHiddenLine, HIDDEN_LINE_BYTES, type LineState } from './hidden-line.js';
import { endQuiet, keepQuiet } from './quiet-input.js';
import { plainText } from './plain-text.js';
import { left, requireSeat, type Seat } from './seat.js';
import { isDumb, type Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';

/** Lines that draw a question as one that waits. */
interface Drawing {
  /** Shows what is said of the answer so far, in the place of what was said before. */
  progress(text: string): void;
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
      if (wordsWanted !== null) drawing.progress(progressText(line.words(), wordsWanted));
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
  return {
    progress: (text) => output.write(`\r\u001b[2K${bar}  ${terminal.style('dim', text)} `),
    end: (state) => {
      const sign = state === 'ended' ? terminal.style('green', '◇') : terminal.style('red', '■');
      output.write(`\r\u001b[${lines.length}A\u001b[J${show(sign)}${bar}\n`);
    },
  };
}

/** The same on a terminal that cannot move its cursor: there is no place where anything could change. */
function drawPlainly(_terminal: Terminal, output: Seat['output'], question: string): Drawing {
  output.write(`${wrapText(plainText(question), output.columns)}: `);
  return { progress: () => undefined, end: () => output.write('\n') };
}

function tooLong(): UsageError {
  return new UsageError(`what was typed is longer than ${HIDDEN_LINE_BYTES} bytes`, {
    code: 'PASSPHRASE_UNREADABLE',
    hint: 'use a shorter passphrase: several words',
  });
}
