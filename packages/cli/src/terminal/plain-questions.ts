import { createInterface } from 'node:readline';
import type { Choice, Questions } from './questions.js';
import type { Seat } from './seat.js';
import { wrapText } from './wrap-text.js';

/**
 * Questions that are answered with a line and Enter: for a terminal that cannot move its cursor, and whoever has it read
 * aloud. An answer that is none is asked for again.
 */
export function createPlainQuestions({ input, output }: Seat): Questions {
  const ask = async <T>(text: string, read: (typed: string) => T | null): Promise<T | undefined> => {
    for (;;) {
      output.write(`${text} `);
      const typed = await readLine(input);
      if (typed === undefined) {
        output.write('\n');
        return undefined;
      }
      const answer = read(typed.trim());
      if (answer !== null) return answer;
    }
  };
  const list = (question: string, choices: readonly Choice<string>[]) => {
    output.write(`${wrapText(question, output.columns)}\n`);
    for (const [at, { label, hint }] of choices.entries()) {
      const text = `${at + 1} ${label}${hint === undefined ? '' : `: ${hint}`}`;
      output.write(`${wrapText(text, output.columns, '  ')}\n`);
    }
  };
  return {
    line: (question) => ask(wrapText(question, output.columns), (typed) => typed),
    choice: (question, choices, first) => {
      list(question, choices);
      const usual = choices.findIndex(({ value }) => value === first) + 1;
      return ask(`1 to ${choices.length}, or Enter for ${usual}:`, (typed) =>
        typed === '' ? first : (choices[numberIn(typed) - 1]?.value ?? null),
      );
    },
    several: (question, choices, chosen) => {
      list(question, choices);
      const usual = choices.flatMap(({ value }, at) => (chosen.includes(value) ? [at + 1] : [])).join(' ');
      return ask(`Numbers with blanks between, or Enter for ${usual}:`, (typed) => {
        if (typed === '') return chosen;
        const named = typed.split(/[ ,]+/).map((one) => choices[numberIn(one) - 1]?.value);
        return named.includes(undefined) ? null : (named as string[]);
      });
    },
  };
}

function numberIn(typed: string): number {
  return /^\d{1,3}$/.test(typed) ? Number(typed) : 0;
}

/** Undefined when the person left: Ctrl-C, Ctrl-D, or the terminal went away. */
function readLine(input: Seat['input']): Promise<string | undefined> {
  const lines = createInterface({ input, terminal: false });
  return new Promise((resolve) => {
    const end = (typed: string | undefined) => {
      process.off('SIGINT', leave);
      resolve(typed);
      lines.close();
    };
    const leave = () => end(undefined);
    process.once('SIGINT', leave);
    lines.once('line', end);
    lines.once('close', leave);
  });
}
