import { type SessionRecord, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../home/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';
import { sessionObject } from './list.js';

/** `ckm sessions show ID` */
export function sessionsShowCommand(): Command {
  return leaf('show', 'one ceremony').argument('<id>', 'the first digits of its id').action(run(show));
}

async function show(context: Context, id: string): Promise<void> {
  const session = await (await openOwner(context)).showSession(id);
  context.terminal.result(sessionLines(session), sessionObject(session));
}

function sessionLines(session: SessionRecord): string {
  const now = unixNow();
  const what =
    session.kind === 'sign'
      ? [['Asks', session.sentence]]
      : [
          ['Makes', `${session.keyName}, ${session.proposal.quorum.needed} of ${session.proposal.quorum.of}`],
          ['With', session.servers.map(({ name }) => name).join(', ')],
          [
            'Rounds',
            `${session.packets.filter((row) => row.length > 0 && row.every((one) => one !== null)).length} of 3`,
          ],
        ];
  return formatTable([
    ['Session', shortId(session.sessionId)],
    ['State', session.standing],
    ['Key', session.keyName],
    ...what,
    ['Begun', formatInstant(session.createdAt, now)],
    ['Expires', formatInstant(session.expiresAt, now)],
    ...(session.reason === null ? [] : [['Why', session.reason]]),
  ]);
}
