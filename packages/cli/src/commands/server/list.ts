import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { likenessLine, likenessObject } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm server list` */
export function serverListCommand(): Command {
  return leaf('list', 'the servers you have pinned').action(run(list));
}

async function list(context: Context): Promise<void> {
  const records = await (await openOwner(context)).listServers();
  const rows = records.map(({ name, url, xid }) => [name, url, likenessLine(xid)]);
  context.terminal.result(
    rows.length === 0 ? 'no servers yet; add one with: ckm server add NAME URL' : formatTable(rows),
    records.map(({ name, url, title, xid, addedAt, accountSince }) => ({
      name,
      url,
      title,
      xid,
      addedAt,
      accountSince,
      likeness: likenessObject(xid),
    })),
  );
}
