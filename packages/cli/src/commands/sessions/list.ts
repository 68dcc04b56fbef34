import type { Client, SessionRecord } from '@ckm/client';
import { shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm sessions list` */
export function sessionsListCommand(): Command {
  return leaf('list', 'ceremonies you started, oldest first')
    .option('--open', 'only those that go on')
    .action(run(list));
}

async function list(context: Context, flags: { readonly open?: true }): Promise<void> {
  const client = await openOwner(context);
  const all = await client.listSessions();
  const sessions = flags.open === true ? all.filter(({ state }) => state === 'open') : all;
  const now = unixNow();
  const rows = sessions.map((session) => [
    shortId(session.sessionId),
    session.state,
    client.describeSession(session).title,
    session.state === 'open' ? `expires ${formatInstant(session.expiresAt, now)}` : (session.reason ?? ''),
  ]);
  context.terminal.result(
    rows.length === 0 ? 'no sessions' : formatTable(rows),
    sessions.map((session) => sessionObject(client, session)),
  );
}

/** A session for machines. */
export function sessionObject(client: Client, session: SessionRecord): unknown {
  const { sessionId, state, keyName, createdAt, expiresAt, reason, proposal, servers } = session;
  return {
    id: shortId(sessionId),
    sessionId,
    state,
    kind: proposal.kind,
    title: client.describeSession(session).title,
    key: keyName,
    createdAt,
    expiresAt,
    reason,
    proposal,
    servers: servers.map(({ name }) => name),
  };
}
