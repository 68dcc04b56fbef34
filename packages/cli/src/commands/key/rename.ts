import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';

/** `ckm key rename OLD NEW` */
export function keyRenameCommand(): Command {
  return leaf('rename', 'call a key otherwise; servers know no names')
    .argument('<name>', 'what you call it now')
    .argument('<new-name>', 'letters a-z, digits, dots, dashes')
    .action(run(rename));
}

async function rename(context: Context, name: string, wanted: string): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  if (flags.preview === true) {
    await client.planRename(name, wanted);
    terminal.result(`would call ${name} ${wanted}`, { preview: true, name: wanted, before: name });
    return;
  }
  await client.renameKey(name, wanted);
  terminal.talk('programs that use the old name (a running ckm ssh-agent, scripts) need the new one');
  terminal.result(`${name} is called ${wanted} now`, { name: wanted, before: name });
}
