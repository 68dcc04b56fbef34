import { checkConfig } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf } from '../../../operator/operator-leaf.js';
import { talkOfRestart } from '../../../operator/running-server.js';

/** `ckm server config check` */
export function serverConfigCheckCommand(): Command {
  return operatorLeaf(
    'check',
    'whether a server would start with its config.json and this environment',
  ).action(run(check));
}

async function check({ terminal, environment }: Context, folder: string): Promise<void> {
  const { name, publicUrl, accounts } = checkConfig({ dataDir: resolve(folder), variables: environment });
  terminal.result(`the settings of ${name} are good: ${publicUrl}, accounts ${accounts}`, {
    ok: true,
    name,
    publicUrl,
    accounts,
  });
  await talkOfRestart(terminal, folder);
}
