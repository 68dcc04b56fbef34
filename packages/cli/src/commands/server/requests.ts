import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { formatWaiting, listWaiting } from '../../operator/waiting-request.js';

/** `ckm server requests` */
export function serverRequestsCommand(): Command {
  return operatorLeaf('requests', 'signatures that wait for your yes or no').action(run(requests));
}

async function requests({ terminal }: Context, folder: string): Promise<void> {
  const waiting = await listWaiting(operatorOf(folder));
  terminal.result(waiting.map(formatWaiting).join('\n'), waiting);
  if (waiting.length === 0) terminal.talk('nothing waits for you');
  else
    terminal.talk(
      `answer with: ckm server approve ${folder} ID   or: ckm server reject ${folder} ID --reason TEXT`,
    );
}
