import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';

/** `ckm server stop` */
export function serverStopCommand(): Command {
  return operatorLeaf('stop', 'stop a running server').action(run(stop));
}

/** Asks, and does not wait for what still runs there: at most ten seconds. */
async function stop({ terminal, flags }: Context, folder: string): Promise<void> {
  const operator = operatorOf(folder);
  const { name } = await operator.status();
  if (flags.preview === true) {
    terminal.result(`would stop ${name}`, { preview: true, name });
    return;
  }
  await operator.shutdown();
  terminal.result(`${name} is stopping`, { name, phase: 'stopping' });
}
