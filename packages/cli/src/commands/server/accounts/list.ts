import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { listAccounts } from '../../../operator/find-account.js';
import { frozenAccountText } from '../../../operator/frozen-account.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { counted } from '../../../terminal/counted.js';
import { formatInstant, unixNow } from '../../../terminal/instant.js';
import { formatTable } from '../../../terminal/table.js';

/** `ckm server accounts list` */
export function serverAccountsListCommand(): Command {
  return operatorLeaf('list', 'who is answered, and what they use').action(run(list));
}

async function list({ terminal }: Context, folder: string): Promise<void> {
  const accounts = await listAccounts(operatorOf(folder));
  const now = unixNow();
  const rows = accounts.map(({ xid, status, openedAt, keys, waiting, bytes, frozen }) => [
    xid.slice(0, 8),
    status,
    counted(keys, 'key'),
    `${waiting} waiting`,
    `${Math.ceil(bytes / 1024)} KiB`,
    `since ${formatInstant(openedAt, now)}`,
    frozen === null ? '' : terminal.style('yellow', frozenAccountText(frozen)),
  ]);
  terminal.result(formatTable(rows), accounts);
  const asking = accounts.find(({ frozen }) => frozen !== null && frozen.thawAskedAt !== null);
  if (asking !== undefined)
    terminal.talk(
      `to end a freeze, when its owner tells you so in person: ckm server accounts thaw ${folder} ${asking.xid.slice(0, 8)}`,
    );
  if (accounts.length === 0) terminal.talk('nobody has an account');
}
