import type { Operator, OperatorOutboxEntry } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { formatInstant, unixNow } from '../../../terminal/instant.js';
import { formatTable } from '../../../terminal/table.js';

/** `ckm server outbox list` */
export function serverOutboxListCommand(): Command {
  return operatorLeaf('list', 'what waits to go out to people, and what was given up').action(run(list));
}

async function list({ terminal }: Context, folder: string): Promise<void> {
  const entries = (await listOutbox(operatorOf(folder))).filter(({ state }) => state !== 'sent');
  const now = unixNow();
  terminal.result(formatTable(entries.map((entry) => rowOf(entry, now))), entries);
  if (entries.length === 0) terminal.talk('nothing waits, and nothing was given up');
  else if (entries.some(({ code }) => code !== ''))
    terminal.talk(`to send again what was not sent: ckm server outbox retry ${folder}`);
}

/** All of it, oldest first. */
export async function listOutbox(operator: Operator): Promise<OperatorOutboxEntry[]> {
  const all: OperatorOutboxEntry[] = [];
  for (let after: { readonly owner?: string; readonly id?: string } = {}; ;) {
    const { entries, next } = await operator.outbox(after);
    all.push(...entries);
    if (next === null) return all.toSorted((a, b) => a.createdAt - b.createdAt);
    after = next;
  }
}

function rowOf({ id, way, state, dueAt, createdAt, tries, code }: OperatorOutboxEntry, now: number) {
  const what = state === 'failed' ? 'given up' : 'next try';
  const tried = tries === 0 ? 'not tried yet' : `tried ${tries} times`;
  return [
    id.slice(0, 8),
    way,
    `made ${formatInstant(createdAt, now)}`,
    `${what} ${formatInstant(dueAt, now)}`,
    tried,
    code,
  ];
}
