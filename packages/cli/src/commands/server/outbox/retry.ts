import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { listOutbox } from './list.js';

/** `ckm server outbox retry` */
export function serverOutboxRetryCommand(): Command {
  return operatorLeaf('retry', 'send again what was not sent').action(run(retry));
}

async function retry({ terminal, flags }: Context, folder: string): Promise<void> {
  const operator = operatorOf(folder);
  if (flags.preview === true) {
    const entries = await listOutbox(operator);
    const failed = entries.filter(({ state, code }) => state !== 'sent' && code !== '');
    terminal.result(`would send ${failed.length} again`, { preview: true, retried: failed.length });
    return;
  }
  const { retried } = await operator.retryOutbox();
  terminal.result(`${retried} are sent again within seconds`, { retried });
}
