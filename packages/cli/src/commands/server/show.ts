import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';

/** `ckm server show NAME` */
export function serverShowCommand(): Command {
  return leaf('show', 'one pinned server, with its likeness')
    .argument('<name>', 'what you call the server: see ckm server list')
    .action(run(show));
}

async function show(context: Context, name: string): Promise<void> {
  const { terminal } = context;
  const record = await (await openOwner(context)).showServer(name);
  const { url, title, xid, addedAt, accountSince } = record;
  const lines = [
    formatLikeness(terminal, name, xid),
    '',
    `  calls itself  ${title}`,
    `  address       ${url}`,
    `  xid           ${Buffer.from(xid).toString('hex')}`,
    `  added         ${formatInstant(addedAt, unixNow())}`,
  ];
  terminal.result(lines.join('\n'), {
    name,
    url,
    title,
    xid,
    addedAt,
    accountSince,
    likeness: likenessObject(xid),
  });
}
