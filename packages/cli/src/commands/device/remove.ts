import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import {
  changedObject,
  changedText,
  notEverywhere,
  ownsText,
  unknownText,
} from '../../owner/device-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm device remove NAME` */
export function deviceRemoveCommand(): Command {
  const command = leaf('remove', 'have every server answer a device of yours no more', {
    69: 'a server has NOT heard of it: it answers that device still, and is told when it next answers you',
    77: 'this device may not manage devices',
  }).argument('<name>', 'what you call it, or the digits that ckm device list shows of one without a name');
  return addWordsFlags(command, 'remove it with the words, whatever it has signed since').action(run(remove));
}

async function remove(context: Context, name: string, given: WordsFlags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  await withWords(context, given, async (words) => {
    const args = { name, ...(words === undefined ? {} : { words }) };
    const { servers, silent, unknown, owns } = await client.planDeviceRemoval(args);
    // What the words begin anew holds them still: nobody else would take them out.
    for (const id of unknown) terminal.warn(`  ${unknownText(id)}`);
    for (const key of owns) terminal.warn(`ckm: warning: ${ownsText(name, key, false)}`);
    if (flags.preview === true) {
      terminal.result(`would remove ${name} at ${servers.join(', ')}`, {
        preview: true,
        name,
        servers,
        silent,
        owns,
      });
      return;
    }
    const question = `Remove ${name}? Servers answer it no more.`;
    if (flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
    const removed = await client.removeDevice(args);
    terminal.result(`${name} is removed: ${changedText(removed.servers)}`, {
      name,
      servers: changedObject(removed.servers),
      owns: removed.owns,
    });
    for (const key of removed.owns) terminal.warn(`ckm: warning: ${ownsText(name, key, true)}`);
    const left = notEverywhere(removed.servers);
    if (left !== null) throw afterAnswer(left);
  });
}
