import type { Context } from '../command-line/context.js';
import { optionInvalid } from '../command-line/option-values.js';
import { askLine } from '../terminal/prompt.js';
import { readInput } from '../terminal/read-input.js';

const MOST_CODE_BYTES = 64;
const HINT = 'name a file with --code-file, or run this on a terminal';

/**
 * A code: out of a file, of which the first line counts, else typed. Codes are no flags: others of the machine see those.
 * @throws UsageError `OPTION_INVALID`, `INPUT_NEEDED`
 */
export async function readCode(
  { terminal }: Context,
  file: string | undefined,
  question: string,
): Promise<string> {
  const typed =
    file === undefined
      ? await askLine(terminal, question, HINT)
      : new TextDecoder().decode(await readInput(file, MOST_CODE_BYTES, 'write the code alone into it'));
  const code = (typed.split('\n')[0] ?? '').replace(/[ -]/g, '').trim();
  if (/^[0-9]{6,8}$/.test(code)) return code;
  throw optionInvalid('that is no code: six to eight digits', 'take it as the app or the message shows it');
}
