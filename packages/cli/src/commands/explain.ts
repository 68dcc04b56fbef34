import { UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { formatTable } from '../terminal/table.js';
import { EXPLANATIONS } from '../explain/explanations.js';

/** `ckm explain CODE` */
export function explainCommand(): Command {
  return leaf('explain', 'what an error code means and what to do')
    .argument('[code]', 'the last line of an error; without it, all codes are listed')
    .action(run(explain));
}

async function explain({ terminal }: Context, code: string | undefined): Promise<void> {
  if (code === undefined) {
    const codes = [...EXPLANATIONS.keys()].sort();
    terminal.result(formatTable(codes.map((one) => [one, EXPLANATIONS.get(one)!.what])), codes);
    return;
  }
  const explanation = EXPLANATIONS.get(code.toUpperCase());
  if (explanation === undefined) {
    throw new UsageError(`no error has the code ${code}`, {
      code: 'CODE_UNKNOWN',
      hint: 'list all codes with: ckm explain',
    });
  }
  const text = `${code.toUpperCase()}\n\n  what   ${explanation.what}\n  why    ${explanation.why}\n  do     ${explanation.act}`;
  terminal.result(text, { code: code.toUpperCase(), ...explanation });
}
