import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { findAccount } from '../../../operator/find-account.js';
import { frozenAccountText } from '../../../operator/frozen-account.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { confirm } from '../../../terminal/prompt.js';
import { cancelled } from '../../../terminal/seat.js';

/** `ckm server accounts thaw` */
export function serverAccountsThawCommand(): Command {
  return operatorLeaf('thaw', 'end the freeze of a whole account before its time')
    .argument('<xid>', 'the first digits of the account')
    .action(run(thaw));
}

async function thaw({ terminal, flags }: Context, folder: string, id: string): Promise<void> {
  const operator = operatorOf(folder);
  const { xid, frozen } = await findAccount(operator, id);
  const what = frozen === null ? 'is not frozen' : frozenAccountText(frozen);
  if (flags.preview === true) {
    terminal.result(`would thaw ${xid}, which ${what}`, { preview: true, xid, frozen });
    return;
  }
  terminal.warn(
    `account ${xid} ${what}: whoever froze it may have lost a device to a thief, who asks for this; thaw it when its owner has told you so in person`,
  );
  if (flags.yes !== true && !(await confirm(terminal, 'Thaw it?'))) throw cancelled();
  const { wasFrozen } = await operator.thawAccount({ xid });
  terminal.result(wasFrozen ? `thawed ${xid}` : `${xid} was not frozen`, { xid, wasFrozen });
}
