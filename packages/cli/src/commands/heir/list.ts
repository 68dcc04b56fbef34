import type { Command } from 'commander';
import { openHeirHere } from '../../approver/approver-home.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { silenceObject, silenceText } from '../../heir/heir-words.js';

/** `ckm heir list` */
export function heirListCommand(): Command {
  return leaf(
    'list',
    'keys whose terms name you, how long their owners have been silent, and who has asked',
  ).action(run(list));
}

async function list(context: Context): Promise<void> {
  const heir = await openHeirHere(context);
  const keys = await heir.list();
  const text =
    keys.length === 0
      ? 'no key that you were invited for speaks of silence'
      : keys.map(silenceText).join('\n\n');
  context.terminal.result(text, { keys: keys.map(silenceObject) });
}
