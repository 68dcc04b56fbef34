import type { Command } from 'commander';
import { openHeirHere } from '../../approver/approver-home.js';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { heirWaits, silenceObject, silenceText } from '../../heir/heir-words.js';
import { plainText } from '../../terminal/plain-text.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm heir ask KEY` */
export function heirAskCommand(): Command {
  return leaf('ask', 'ask for a key whose owner has been silent, or go on with that', {
    75: 'it is not granted yet: ask again later',
  })
    .argument('<key>', 'what its owner calls it: see ckm heir list')
    .action(run(ask));
}

async function ask(context: Context, key: string): Promise<void> {
  const { terminal, flags } = context;
  const heir = await openHeirHere(context);
  const { keyName, servers } = await heir.find(key);
  const names = servers.map(({ name }) => name).join(', ');
  const name = plainText(keyName);
  if (flags.preview === true) {
    terminal.result(`nothing was sent; would ask ${plainText(names)} for ${name}`, {
      preview: true,
      key: keyName,
    });
    return;
  }
  terminal.warn(
    `  The owner of ${name}, and whoever else he has named, are told that you ask. Any sign of his life ends it.\n`,
  );
  if (flags.yes !== true && !(await confirm(terminal, `Ask ${plainText(names)} for ${name}?`)))
    throw cancelled();
  const silence = await heir.ask(key);
  terminal.result(silenceText(silence), silenceObject(silence));
  if (silence.granted.length === 0) throw afterAnswer(heirWaits(silence));
}
