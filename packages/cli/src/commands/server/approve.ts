import type { Operator, OperatorSession } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { assertWholeId, findWaiting, formatWhole } from '../../operator/waiting-request.js';
import { adviceOn, findWaitingSession, formatWaitingSession } from '../../operator/waiting-session.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm server approve` */
export function serverApproveCommand(): Command {
  return operatorLeaf('approve', 'say yes to what waits')
    .argument('<id>', 'the first digits of its id')
    .option('--account <xid>', 'whose, by its first digits, where two accounts wait under one id')
    .addOption(asOption())
    .action(run(approve));
}

async function approve(
  { terminal, flags }: Context,
  folder: string,
  id: string,
  { account, as }: { readonly account?: string; readonly as?: string },
): Promise<void> {
  const operator = operatorOf(folder);
  const session = account === undefined ? await findWaitingSession(operator, id) : null;
  if (session !== null) return approveSession({ terminal, flags }, operator, session, id, as);
  const request = await findWaiting(operator, id, account);
  if (flags.yes === true && flags.preview !== true) assertWholeId(id);
  const { requestId } = request;
  terminal.warn(formatWhole(terminal, request));
  if (flags.preview === true) {
    terminal.result(`would approve ${requestId}`, { preview: true, ...request });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Let this server sign it?'))) throw cancelled();
  // Without a look at the account, the id must be one that no other account has used.
  const isOwnerMeant = flags.yes !== true || account !== undefined;
  const { owner, keyId, tasksHash } = request;
  await operator.approve({
    requestId,
    keyId,
    tasksHash,
    ...(isOwnerMeant ? { owner } : {}),
    ...(as === undefined ? {} : { as }),
  });
  terminal.result(`approved ${requestId}`, { ...request, verdict: 'approved' });
}

async function approveSession(
  { terminal, flags }: Pick<Context, 'terminal' | 'flags'>,
  operator: Operator,
  session: OperatorSession,
  id: string,
  as: string | undefined,
): Promise<void> {
  if (flags.yes === true && flags.preview !== true) assertWholeId(id);
  const { sessionId, owner, proposalHash } = session;
  terminal.warn(formatWaitingSession(session));
  terminal.warn(adviceOn(session, terminal.columns));
  if (flags.preview === true) {
    terminal.result(`would approve ${sessionId}`, { preview: true, ...session });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Let this server take part?'))) throw cancelled();
  await operator.approveSession({ sessionId, owner, proposalHash, ...(as === undefined ? {} : { as }) });
  terminal.result(`approved ${sessionId}`, { ...session, verdict: 'approved' });
}
