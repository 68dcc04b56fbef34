import { CkmError } from '@ckm/foundation';
import { type Operator } from '@ckm/server';
import type { Command } from 'commander';
import { basename, resolve } from 'node:path';
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
  const name = await nameOf(operator, folder);
  if (flags.preview === true) {
    terminal.result(`would stop ${name}`, { preview: true, name });
    return;
  }
  await operator.shutdown();
  terminal.result(`${name} is stopping`, { name, phase: 'stopping' });
}

/** A server of an earlier version, whose status this one cannot read, is stopped all the same: an upgrade begins so. */
async function nameOf(operator: Operator, folder: string): Promise<string> {
  try {
    return (await operator.status()).name;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'OPERATOR_ANSWER_UNREADABLE')
      return basename(resolve(folder));
    throw error;
  }
}
