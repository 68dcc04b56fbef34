import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { findWaiting, formatWaiting } from '../../operator/waiting-request.js';

/** `ckm server reject` */
export function serverRejectCommand(): Command {
  return operatorLeaf('reject', 'say no to a signature that waits')
    .argument('<id>', 'the first digits of its id')
    .requiredOption('--reason <text>', 'why; whoever asked reads it, and so does the audit log')
    .action(run(reject));
}

async function reject(
  { terminal, flags }: Context,
  folder: string,
  id: string,
  { reason }: { readonly reason: string },
): Promise<void> {
  const operator = operatorOf(folder);
  const request = await findWaiting(operator, id);
  const { requestId, sentence } = request;
  terminal.warn(formatWaiting(request));
  if (flags.preview === true) {
    terminal.result(`would reject ${requestId}: ${reason}`, { preview: true, requestId, sentence, reason });
    return;
  }
  await operator.reject(requestId, reason);
  terminal.result(`rejected ${requestId}`, { requestId, sentence, verdict: 'rejected', reason });
}
