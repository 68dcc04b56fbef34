import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm server remove NAME` */
export function serverRemoveCommand(): Command {
  return leaf('remove', 'forget a server that no key needs')
    .argument('<name>', 'what you call the server: see ckm server list')
    .action(run(remove));
}

async function remove(context: Context, name: string): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { url } = await client.planRemoval(name);
  if (flags.preview === true) {
    terminal.result(`would forget ${name} at ${url}`, { preview: true, name, url });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Forget ${name} at ${url}?`))) throw cancelled();
  await client.removeServer(name);
  terminal.result(`forgot ${name}`, { name, url });
}
