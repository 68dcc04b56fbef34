import { type SessionRecord, shortId } from '@ckm/client';
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
  const sessions = await (await openOwner(context)).listSessions();
  const shown = flags.open === true ? sessions.filter(({ state }) => state === 'open') : sessions;
  const now = unixNow();
  const rows = shown.map((session) => [
    shortId(session.sessionId),
    session.state,
    session.kind === 'dkg' ? 'make key' : 'sign with',
    session.keyName,
    session.state === 'open' ? `expires ${formatInstant(session.expiresAt, now)}` : (session.reason ?? ''),
  ]);
  context.terminal.result(rows.length === 0 ? 'no sessions' : formatTable(rows), shown.map(sessionObject));
}

/** A session for machines. */
export function sessionObject(session: SessionRecord): unknown {
  const { sessionId, state, kind, keyName, createdAt, expiresAt, reason } = session;
  const common = {
    id: shortId(sessionId),
    sessionId,
    state,
    kind,
    key: keyName,
    createdAt,
    expiresAt,
    reason,
  };
  if (session.kind === 'sign')
    return { ...common, requestKind: session.requestKind, sentence: session.sentence };
  const { purpose, suite, quorum } = session.proposal;
  return { ...common, purpose, suite, quorum, servers: session.servers.map(({ name }) => name) };
}
