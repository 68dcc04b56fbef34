import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm terms stop KEY` */
export function termsStopCommand(): Command {
  return leaf('stop', 'stop a change of the terms of a key that waits, whoever proposed it')
    .argument('<key>', 'what you call the key: see ckm key list')
    .action(run(stop));
}

async function stop(context: Context, name: string): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  if (flags.preview === true) {
    const { waiting } = await client.showTerms(name);
    const servers = waiting.flatMap(({ at }) => at.map(({ server }) => server));
    const would = servers.length === 0 ? 'nothing waits' : `would stop it at ${servers.join(', ')}`;
    terminal.result(would, { preview: true, name, servers });
    return;
  }
  const stopped = await client.stopTerms(name);
  const rows = stopped.servers.map(({ server, text }) => [server, plainText(text)]);
  terminal.result(formatTable(rows), stopped);
}
