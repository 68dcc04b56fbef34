import type { Operator, OperatorInvite } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { formatInstant, unixNow } from '../../../terminal/instant.js';
import { formatTable } from '../../../terminal/table.js';

/** `ckm server invite list` */
export function serverInviteListCommand(): Command {
  return operatorLeaf('list', 'invites, and who used them').action(run(list));
}

async function list({ terminal }: Context, folder: string): Promise<void> {
  const invites = await listInvites(operatorOf(folder));
  const now = unixNow();
  terminal.result(formatTable(invites.map((invite) => rowOf(invite, now))), invites, 'asWritten');
  if (invites.length === 0) terminal.talk(`none; make one with: ckm server invite create ${folder}`);
}

/** Every invite of a server, newest first. */
async function listInvites(operator: Operator): Promise<OperatorInvite[]> {
  const all: OperatorInvite[] = [];
  for (let after: string | undefined; ;) {
    const { invites, next } = await operator.invites({ after });
    all.push(...invites);
    if (next === null) return all.toSorted((a, b) => b.createdAt - a.createdAt);
    after = next;
  }
}

function rowOf({ id, note, usedBy, createdAt, expiresAt }: OperatorInvite, now: number): string[] {
  const state =
    usedBy !== null ? `used by ${usedBy.slice(0, 8)}` : `expires ${formatInstant(expiresAt, now)}`;
  return [id.slice(0, 8), `made ${formatInstant(createdAt, now)}`, state, note];
}
