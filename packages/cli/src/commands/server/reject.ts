import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { run } from '../../command-line/run.js';
import { findAccount } from '../../operator/find-account.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { findWaiting, formatWaiting } from '../../operator/waiting-request.js';
import { counted } from '../../terminal/counted.js';

/** `ckm server reject` */
export function serverRejectCommand(): Command {
  return operatorLeaf('reject', 'say no to a signature that waits')
    .argument('[id]', 'the first digits of its id')
    .option('--account <xid>', 'all that waits for this account, named by its first digits')
    .requiredOption('--reason <text>', 'why; whoever asked reads it, and so does the audit log')
    .addOption(asOption())
    .action(run(reject));
}

interface Flags {
  readonly account?: string;
  readonly reason: string;
  readonly as?: string;
}

async function reject(
  context: Context,
  folder: string,
  id: string | undefined,
  { account, reason, as }: Flags,
): Promise<void> {
  const answer = { reason, ...(as === undefined ? {} : { as }) };
  if (id !== undefined && account === undefined) return rejectOne(context, folder, id, answer);
  if (id === undefined && account !== undefined) return rejectAll(context, folder, account, answer);
  throw optionInvalid('name one request by its id, or an account', 'see: ckm server reject --help');
}

async function rejectOne(
  { terminal, flags }: Context,
  folder: string,
  id: string,
  answer: Pick<Flags, 'reason' | 'as'>,
): Promise<void> {
  const { reason } = answer;
  const operator = operatorOf(folder);
  const request = await findWaiting(operator, id);
  const { requestId, sentence } = request;
  terminal.warn(formatWaiting(request));
  if (flags.preview === true) {
    terminal.result(`would reject ${requestId}: ${reason}`, { preview: true, requestId, sentence, reason });
    return;
  }
  await operator.reject({ requestId, ...answer });
  terminal.result(`rejected ${requestId}`, { requestId, sentence, verdict: 'rejected', reason });
}

async function rejectAll(
  { terminal, flags }: Context,
  folder: string,
  account: string,
  answer: Pick<Flags, 'reason' | 'as'>,
): Promise<void> {
  const { reason } = answer;
  const operator = operatorOf(folder);
  const { xid, waiting } = await findAccount(operator, account);
  if (flags.preview === true) {
    const would = `would reject ${counted(waiting, 'request')} of account ${xid}: ${reason}`;
    terminal.result(would, { preview: true, xid, waiting, reason });
    return;
  }
  const { rejected } = await operator.rejectAll({ xid, ...answer });
  terminal.result(`rejected ${counted(rejected, 'request')} of account ${xid}`, { xid, rejected, reason });
}
