import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { formatChange, listChanges } from '../../operator/waiting-change.js';
import { formatWaiting, listWaiting } from '../../operator/waiting-request.js';
import { formatWaitingSession, listWaitingSessions } from '../../operator/waiting-session.js';

/** `ckm server requests` */
export function serverRequestsCommand(): Command {
  return operatorLeaf('requests', 'what waits for your yes or no').action(run(requests));
}

async function requests({ terminal }: Context, folder: string): Promise<void> {
  const operator = operatorOf(folder);
  const waiting = await listWaiting(operator);
  const sessions = await listWaitingSessions(operator);
  const changes = await listChanges(operator);
  const lines = [
    ...waiting.map(formatWaiting),
    ...sessions.map(formatWaitingSession),
    ...changes.map(formatChange),
  ];
  terminal.result(lines.join('\n'), [...waiting, ...sessions, ...changes]);
  if (lines.length === 0) terminal.talk('nothing waits for you');
  else
    terminal.talk(
      `answer with: ckm server approve ${folder} ID   or: ckm server reject ${folder} ID --reason TEXT`,
    );
}
