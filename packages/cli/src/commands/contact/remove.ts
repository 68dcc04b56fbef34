import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { contactObject, contactRow } from '../../owner/contact-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { confirm } from '../../terminal/prompt.js';
import { plainText } from '../../terminal/plain-text.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm contact remove SERVER CONTACT` */
export function contactRemoveCommand(): Command {
  const command = leaf(
    'remove',
    'have a contact bring you back no more, in three days; with the words at once',
    {
      77: 'this device may not manage contacts',
    },
  )
    .argument('<server>', 'what you call it')
    .argument('<contact>', 'its kind, or the first digits of its id: see ckm contact list')
    .option('--keep', 'have one stay that is leaving');
  return addWordsFlags(command, 'remove it with the words, at once').action(run(remove));
}

interface Flags extends WordsFlags {
  readonly keep?: true;
}

async function remove(context: Context, server: string, contact: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const keeps = given.keep === true;
  if (flags.preview === true) {
    await client.showServer(server);
    terminal.result(`would ${keeps ? 'keep' : 'remove'} ${contact} at ${server}`, {
      preview: true,
      server,
      contact,
    });
    return;
  }
  const question = `Remove ${contact} at ${server}? It brings you back no more.`;
  if (!keeps && flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
  const left = await withWords(context, given, (words) =>
    client.removeContact({ server, contact, keeps, ...(words === undefined ? {} : { words }) }),
  );
  if (left === null) terminal.result(`${contact} at ${server} is removed`, { server, contact, left: null });
  else terminal.result(plainText(contactRow(left).slice(2).join('  ')), contactObject(left));
}
