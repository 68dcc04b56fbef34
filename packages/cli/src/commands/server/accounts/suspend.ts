import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { findAccount } from '../../../operator/find-account.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { counted } from '../../../terminal/counted.js';
import { confirm } from '../../../terminal/prompt.js';
import { cancelled } from '../../../terminal/seat.js';

/** `ckm server accounts suspend` */
export function serverAccountsSuspendCommand(): Command {
  return operatorLeaf('suspend', 'answer an account no more; its keys stay')
    .argument('<xid>', 'the first digits of the account')
    .action(run(suspend));
}

async function suspend({ terminal, flags }: Context, folder: string, id: string): Promise<void> {
  const operator = operatorOf(folder);
  const { xid, keys, waiting } = await findAccount(operator, id);
  terminal.warn(`account ${xid} with ${counted(keys, 'key')}: after this, the server signs nothing for it`);
  if (flags.preview === true) {
    terminal.result(`would suspend ${xid}`, { preview: true, xid, keys });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Suspend it?'))) throw cancelled();
  await operator.suspend({ xid });
  terminal.result(`suspended ${xid}`, { xid, status: 'suspended' });
  if (waiting === 0) return;
  const all = `ckm server reject ${folder} --account ${xid.slice(0, 8)} --reason TEXT`;
  terminal.talk(`its ${waiting} waiting requests are not listed while it is; to say no for good: ${all}`);
}
