import {
  changeIdOf,
  type ChangeRecord,
  type Client,
  type SessionRecord,
  shortId,
  titleOfChange,
} from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { lookForOrders, orderCounts, orderObject, orderOrigin, orderTitle } from '../../owner/order-words.js';
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
  const changes = (await client.listChanges()).filter(({ state }) => flags.open !== true || state === 'open');
  const all = (await client.listSessions()).filter(({ proposal }) => proposal.kind !== 'reshare');
  const sessions = flags.open === true ? all.filter(({ state }) => state === 'open') : all;
  const now = unixNow();
  const rows = sessions.map((session) => [
    shortId(session.sessionId),
    session.state,
    client.describeSession(session).title,
    session.state === 'open' ? `expires ${formatInstant(session.expiresAt, now)}` : (session.reason ?? ''),
  ]);
  const changing = changes.map((change) => [
    shortId(changeIdOf(change)),
    change.state,
    titleOfChange(change),
    change.state === 'open' ? '' : (change.reason ?? ''),
  ]);
  // Those of this client stand there already.
  const elsewhere = (await lookForOrders(client)).filter(({ origin }) => origin !== 'open');
  const ordered = elsewhere.map((order) => [
    order.id,
    'open',
    orderTitle(order),
    `${orderCounts(order)}; ${orderOrigin(context.terminal, order)}`,
  ]);
  const lines = [...rows, ...changing, ...ordered];
  context.terminal.result(lines.length === 0 ? 'no sessions' : formatTable(lines), [
    ...sessions.map((session) => sessionObject(client, session)),
    ...changes.map(changeObject),
    ...elsewhere.map(orderObject),
  ]);
}

/** A change of a key for machines. */
export function changeObject(change: ChangeRecord): object {
  const { state, keyName, createdAt, expiresAt, reason, servers, attempt } = change;
  const sessionId = changeIdOf(change);
  return {
    id: shortId(sessionId),
    sessionId,
    state,
    kind: 'reshare',
    title: titleOfChange(change),
    key: keyName,
    createdAt,
    expiresAt,
    reason,
    attempt,
    servers: servers.map(({ name }) => name),
  };
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
