import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { changedObject, changedText, notEverywhere } from '../../owner/device-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';

/** `ckm device rename NAME WANTED` */
export function deviceRenameCommand(): Command {
  const command = leaf('rename', 'call a device of yours otherwise; servers cannot read what you call it', {
    69: 'a server has not heard of it: it is told when it next answers',
    77: 'this device may not manage devices',
  })
    .argument('<name>', 'what you call it: see ckm device list')
    .argument('<newname>', 'what you will call it: letters a-z, digits, dots, dashes');
  return addWordsFlags(command, 'sign it with the words').action(run(rename));
}

async function rename(context: Context, name: string, wanted: string, given: WordsFlags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  await withWords(context, given, async (words) => {
    const args = { name, wanted, ...(words === undefined ? {} : { words }) };
    const { servers, silent } = await client.planDeviceRename(args);
    if (flags.preview === true) {
      const text = `would call ${name} ${wanted} at ${servers.join(', ')}`;
      terminal.result(text, { preview: true, name: wanted, before: name, servers, silent });
      return;
    }
    const renamed = await client.renameDevice(args);
    terminal.result(`${name} is called ${wanted}: ${changedText(renamed.servers)}`, {
      name: wanted,
      before: name,
      servers: changedObject(renamed.servers),
    });
    const left = notEverywhere(renamed.servers);
    if (left !== null) throw afterAnswer(left);
  });
}
