import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';
import { planLines, planObject } from '../../owner/change-words.js';
import { carryOut, type WaitFlag } from '../../owner/carry-out-change.js';

/** `ckm key refresh NAME` */
export function keyRefreshCommand(): Command {
  return leaf('refresh', 'give the servers of a key new shares; the key itself stays the same', {
    69: 'a server that is needed does not answer',
    75: 'servers wait, or say no, for now',
  })
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--wait', 'stay until it is done, however long servers are away')
    .action(run(refresh));
}

async function refresh(context: Context, name: string, given: WaitFlag): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const args = { name, wish: { kind: 'refresh' } } as const;
  const plan = await client.planChange(args);
  if (flags.yes !== true || !terminal.quiet) terminal.warn(planLines(name, plan));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, name, ...planObject(plan) });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Make new shares?'))) throw cancelled();
  await carryOut(context, client, args, given);
}
