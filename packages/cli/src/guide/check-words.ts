import { randomInt } from 'node:crypto';
import { CkmError } from '@ckm/foundation';
import { askHidden } from '../terminal/prompt.js';
import { canAsk } from '../terminal/seat.js';
import type { Terminal } from '../terminal/terminal.js';

const MOST_TRIES = 3;
const TELLING_LETTERS = 4;

/**
 * Asks for two of the words that were just shown, so that somebody has written them down before anything depends on them.
 * Nothing is lost by a wrong answer, or by none: the seed is stored, and its words can be shown again.
 * @param words as they were shown
 * @param again how to see them again
 */
export async function checkWords(
  terminal: Terminal,
  words: readonly string[],
  again = 'they are shown again by: ckm seed backup',
): Promise<void> {
  if (!canAsk(terminal)) return;
  const first = randomInt(words.length - 1);
  const second = first + 1 + randomInt(words.length - 1 - first);
  const question = `Words ${first + 1} and ${second + 1} of what you wrote down`;
  const wanted = [words[first]!, words[second]!];
  for (let left = MOST_TRIES - 1; left >= 0; left--) {
    const typed = await ask(terminal, question);
    if (typed === null) break;
    if (typed.length === wanted.length && wanted.every((word, at) => isWritten(typed[at]!, word))) return;
    if (left > 0) terminal.warn(`  that is not what was shown: try again (${left} more)`);
  }
  terminal.warn(`  write the words down before you rely on this backup; ${again}`);
}

/** Whole, or cut off behind the fourth letter: that many tell each word of the list from every other. */
function isWritten(typed: string, word: string): boolean {
  return typed === word || (typed.length >= TELLING_LETTERS && word.startsWith(typed));
}

/** The words that were typed; null when the person left the question. */
async function ask(terminal: Terminal, question: string): Promise<readonly string[] | null> {
  try {
    const typed = await askHidden(terminal, question, 'run this on a terminal');
    return typed.toLowerCase().match(/[a-z]+/g) ?? [];
  } catch (error) {
    if (error instanceof CkmError && error.code === 'CANCELLED_BY_PERSON') return null;
    throw error;
  }
}
