import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { authorityLines } from '../../owner/read-authority.js';
import { plainText } from '../../terminal/plain-text.js';
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
  const client = await openOwner(context);
  const record = await client.showServer(name);
  const account = await client.accountAt(name);
  const { url, title, xid, addedAt, accountSince, authority } = record;
  const vouching = authority === null ? [] : authorityLines(authority).map(plainText);
  const lines = [
    formatLikeness(terminal, name, xid),
    '',
    `  calls itself  ${title}`,
    `  address       ${url}`,
    `  xid           ${Buffer.from(xid).toString('hex')}`,
    `  your account  ${account === null ? 'none yet' : encodeHex(account)}`,
    `  added         ${formatInstant(addedAt, unixNow())}`,
    ...vouching.map((line) => `  authority     ${line}`),
  ];
  terminal.result(lines.join('\n'), {
    name,
    url,
    title,
    xid,
    account: account === null ? null : encodeHex(account),
    addedAt,
    accountSince,
    authority,
    likeness: likenessObject(xid),
  });
}
