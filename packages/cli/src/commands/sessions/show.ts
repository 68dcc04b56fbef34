import { type Client, type SessionRecord, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';
import { sessionObject } from './list.js';

/** `ckm sessions show ID` */
export function sessionsShowCommand(): Command {
  return leaf('show', 'one ceremony').argument('<id>', 'the first digits of its id').action(run(show));
}

async function show(context: Context, id: string): Promise<void> {
  const client = await openOwner(context);
  const session = await client.showSession(id);
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
