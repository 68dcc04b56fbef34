import type { Description } from '@ckm/requests';
import type { Context } from '../command-line/context.js';
import { cancelled, confirm } from './prompt.js';

/**
 * A person's yes to what was just described; two of them when it could not be described. `--yes` is both.
 * @throws StateError `CANCELLED_BY_PERSON`; UsageError `INPUT_NEEDED`
 */
export async function agree(
  { terminal, flags }: Context,
  { blind }: Description,
  question: string,
): Promise<void> {
  if (flags.yes === true) return;
  if (!(await confirm(terminal, question))) throw cancelled();
  if (
    blind &&
    !(await confirm(terminal, 'Nobody can say what this means. Sign it blindly, whatever it is?'))
  ) {
    throw cancelled();
  }
}
