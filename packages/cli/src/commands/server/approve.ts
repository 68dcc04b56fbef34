import type { Operator, OperatorChange, OperatorSession } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { asOption, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { findChange, formatChange } from '../../operator/waiting-change.js';
import { assertWholeId, findWaiting, formatWhole } from '../../operator/waiting-request.js';
import { adviceOn, findWaitingSession, formatWaitingSession } from '../../operator/waiting-session.js';
import { askTyped, confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm server approve` */
export function serverApproveCommand(): Command {
  return operatorLeaf('approve', 'say yes to what waits')
    .argument('<id>', 'the first digits of its id')
    .option('--account <xid>', 'whose, by its first digits, where two accounts wait under one id')
    .option(
      '--words <words>',
      'of a change of who holds a key, or an export: its six words, as its owner reads them to you',
    )
    .addOption(asOption())
    .action(run(approve));
}

async function approve(
  { terminal, flags }: Context,
  folder: string,
  id: string,
  { account, as, words }: { readonly account?: string; readonly as?: string; readonly words?: string },
): Promise<void> {
  const operator = operatorOf(folder);
  const change = await findChange(operator, id);
  if (change !== null) return approveChange({ terminal, flags }, operator, change, { as, words });
  const session = account === undefined ? await findWaitingSession(operator, id) : null;
  if (session !== null) return approveSession({ terminal, flags }, operator, session, id, { as, words });
  const request = await findWaiting(operator, id, account);
  if (flags.yes === true && flags.preview !== true) assertWholeId(id);
  const { requestId } = request;
  terminal.warn(formatWhole(terminal, request), 'asWritten');
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
  { as, words }: { readonly as: string | undefined; readonly words: string | undefined },
): Promise<void> {
  if (flags.yes === true && flags.preview !== true) assertWholeId(id);
  const { sessionId, owner, proposalHash } = session;
  terminal.warn(formatWaitingSession(session));
  terminal.warn(adviceOn(session, terminal.columns));
  if (flags.preview === true) {
    terminal.result(`would approve ${sessionId}`, { preview: true, ...session });
    return;
  }
  const answer = { sessionId, owner, proposalHash, ...(as === undefined ? {} : { as }) };
  if (session.kind === 'export') {
    const about = { sentence: session.sentence, shown: formatWaitingSession(session) };
    const question = 'Type the six words of the export, as the owner of the key reads them to you';
    await operator.approveSession({ ...answer, words: words ?? (await askTyped(terminal, question, about)) });
  } else {
    if (flags.yes !== true && !(await confirm(terminal, 'Let this server take part?'))) throw cancelled();
    await operator.approveSession(answer);
  }
  terminal.result(`approved ${sessionId}`, { ...session, verdict: 'approved' });
}

/** A change is approved by the words that its owner tells: whoever only has the owner's laptop does not reach this operator. */
async function approveChange(
  { terminal, flags }: Pick<Context, 'terminal' | 'flags'>,
  operator: Operator,
  change: OperatorChange,
  { as, words }: { readonly as: string | undefined; readonly words: string | undefined },
): Promise<void> {
  const { orderHash, sentence, owner, keyId, epoch } = change;
  const shown = formatChange(change);
  terminal.warn(shown);
  if (flags.preview === true) {
    terminal.result(`would approve ${orderHash}`, { preview: true, ...change });
    return;
  }
  const about = { sentence, shown };
  const typed =
    words ??
    (await askTyped(
      terminal,
      'Type the six words of the change, as the owner of the key reads them to you',
      about,
    ));
  const answer = as === undefined ? {} : { as };
  await operator.approveChange({ owner, keyId, epoch, orderHash, words: typed, ...answer });
  terminal.result(`approved ${orderHash}`, { ...change, verdict: 'approved' });
}
