import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { findAccount } from '../../../operator/find-account.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server accounts resume` */
export function serverAccountsResumeCommand(): Command {
  return operatorLeaf('resume', 'answer a suspended account again')
    .argument('<xid>', 'the first digits of the account')
    .action(run(resume));
}

async function resume({ terminal, flags }: Context, folder: string, id: string): Promise<void> {
  const operator = operatorOf(folder);
  const { xid } = await findAccount(operator, id);
  if (flags.preview === true) {
    terminal.result(`would answer ${xid} again`, { preview: true, xid });
    return;
  }
  await operator.resume({ xid });
  terminal.result(`resumed ${xid}`, { xid, status: 'active' });
}
