import { type Client, type SessionRecord, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { findOrder, orderLines, orderObject, orNull } from '../../owner/order-words.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';
import { sessionObject } from './list.js';

/** `ckm sessions show ID` */
export function sessionsShowCommand(): Command {
  return leaf('show', 'one ceremony').argument('<id>', 'the first digits of its id').action(run(show));
}

async function show(context: Context, id: string): Promise<void> {
  const client = await openOwner(context);
  const session = await orNull(client.showSession(id));
  if (session === null) {
    const order = await findOrder(client, id);
    // Nobody knows it: the list of what is on record says so.
    if (order === null) await client.showSession(id);
    else context.terminal.result(orderLines(context.terminal, order), orderObject(order));
    return;
  }
  context.terminal.result(sessionLines(client, session), sessionObject(client, session));
}

function sessionLines(client: Client, session: SessionRecord): string {
  const now = unixNow();
  return formatTable([
    ['Session', shortId(session.sessionId)],
    ['State', session.state],
    ['Key', session.keyName],
    ...client.describeSession(session).details,
    ['Begun', formatInstant(session.createdAt, now)],
    ['Expires', formatInstant(session.expiresAt, now)],
    ...(session.reason === null ? [] : [['Why', session.reason]]),
  ]);
}
