import { describeConfig } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf } from '../../../operator/operator-leaf.js';
import { talkOfRestart } from '../../../operator/running-server.js';
import { formatTable } from '../../../terminal/table.js';

/** `ckm server config show` */
export function serverConfigShowCommand(): Command {
  return operatorLeaf('show', 'every setting with its value, and where that comes from').action(run(show));
}

async function show({ terminal, environment }: Context, folder: string): Promise<void> {
  const settings = describeConfig({ dataDir: resolve(folder), variables: environment });
  const rows = settings.map(({ name, value, from }) => [name, JSON.stringify(value), from]);
  terminal.copied(formatTable(rows), settings);
  await talkOfRestart(terminal, folder);
}
