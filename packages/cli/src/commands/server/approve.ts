import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { assertWholeId, findWaiting, formatWhole } from '../../operator/waiting-request.js';
import { cancelled, confirm } from '../../terminal/prompt.js';

/** `ckm server approve` */
export function serverApproveCommand(): Command {
  return operatorLeaf('approve', 'say yes to a signature that waits')
    .argument('<id>', 'the first digits of its id')
    .action(run(approve));
}

async function approve({ terminal, flags }: Context, folder: string, id: string): Promise<void> {
  const operator = operatorOf(folder);
  const request = await findWaiting(operator, id);
  if (flags.yes === true && flags.preview !== true) assertWholeId(id);
  const { requestId } = request;
  terminal.warn(formatWhole(terminal, request));
  if (flags.preview === true) {
    terminal.result(`would approve ${requestId}`, { preview: true, ...request });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Let this server sign it?'))) throw cancelled();
  await operator.approve(requestId, request);
  terminal.result(`approved ${requestId}`, { ...request, verdict: 'approved' });
}
