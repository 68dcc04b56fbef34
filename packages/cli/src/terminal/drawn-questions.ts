import type { Questions } from './questions.js';
import type { Seat } from './seat.js';
import { wrapText } from './wrap-text.js';

/** Questions that are answered with arrow keys as well, on a terminal whose cursor can be moved. */
export async function createDrawnQuestions({ input, output }: Seat): Promise<Questions> {
  const clack = await import('@clack/prompts');
  const seat = { input, output };
  const answered = async <T>(asked: Promise<T>): Promise<Exclude<T, symbol> | undefined> => {
    const answer = await asked;
    return clack.isCancel(answer) ? undefined : (answer as Exclude<T, symbol>);
  };
  return {
    // Of this question alone the lines are not indented.
    line: (question) =>
      answered(
        clack.text({
          message: wrapText(question, (output.columns ?? 80) - 3).replaceAll('\n', '\n   '),
          ...seat,
        }),
      ),
    choice: (message, choices, initialValue) =>
      answered(clack.select<string>({ message, options: [...choices], initialValue, ...seat })),
    several: (message, choices, chosen) =>
      answered(
        clack.multiselect<string>({
          message,
          options: choices.map(({ value, label }) => ({ value, label })),
          initialValues: [...chosen],
          required: true,
          ...seat,
        }),
      ),
  };
}
