import type { Operator, OperatorChange, OperatorSession } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { run } from '../../command-line/run.js';
import { findAccount } from '../../operator/find-account.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { findChange, formatChange } from '../../operator/waiting-change.js';
import { findWaiting, formatWaiting } from '../../operator/waiting-request.js';
import { findWaitingSession, formatWaitingSession } from '../../operator/waiting-session.js';
import { counted } from '../../terminal/counted.js';

/** `ckm server reject` */
export function serverRejectCommand(): Command {
  return operatorLeaf('reject', 'say no to what waits')
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
  const change = await findChange(operator, id);
  if (change !== null) return rejectChange({ terminal, flags }, operator, change, answer);
  const session = await findWaitingSession(operator, id);
  if (session !== null) return rejectSession({ terminal, flags }, operator, session, answer);
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

async function rejectSession(
  { terminal, flags }: Pick<Context, 'terminal' | 'flags'>,
  operator: Operator,
  session: OperatorSession,
  answer: Pick<Flags, 'reason' | 'as'>,
): Promise<void> {
  const { sessionId, owner, proposalHash, sentence } = session;
  const { reason } = answer;
  terminal.warn(formatWaitingSession(session));
  if (flags.preview === true) {
    terminal.result(`would reject ${sessionId}: ${reason}`, { preview: true, sessionId, sentence, reason });
    return;
  }
  await operator.rejectSession({ sessionId, owner, proposalHash, ...answer });
  terminal.result(`rejected ${sessionId}`, { sessionId, sentence, verdict: 'rejected', reason });
}

async function rejectChange(
  { terminal, flags }: Pick<Context, 'terminal' | 'flags'>,
  operator: Operator,
  change: OperatorChange,
  answer: Pick<Flags, 'reason' | 'as'>,
): Promise<void> {
  const { owner, keyId, epoch, orderHash, sentence } = change;
  const { reason } = answer;
  terminal.warn(formatChange(change));
  if (flags.preview === true) {
    terminal.result(`would reject ${orderHash}: ${reason}`, { preview: true, orderHash, sentence, reason });
    return;
  }
  await operator.rejectChange({ owner, keyId, epoch, orderHash, ...answer });
  terminal.result(`rejected ${orderHash}`, { orderHash, sentence, verdict: 'rejected', reason });
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
