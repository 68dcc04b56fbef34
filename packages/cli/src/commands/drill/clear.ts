import type { ServerDrillKeys } from '@ckm/client';
import { AvailabilityError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm drill clear` */
export function drillClearCommand(): Command {
  return leaf('clear', 'have all servers forget keys of drills that were left, whoever made them', {
    69: 'a server has not said so: run it again',
  }).action(run(clear));
}

async function clear(context: Context): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  if (flags.preview === true) {
    const planned = await client.planClearing();
    terminal.result(clearText(planned, 'would forget'), { preview: true, servers: planned });
    return;
  }
  const servers = await client.clearDrills();
  terminal.result(clearText(servers, 'forgot'), { servers });
  const missing = servers.flatMap(({ server, code }) => (code === null ? [] : [server]));
  if (missing.length === 0) return;
  throw afterAnswer(
    new AvailabilityError(`not every server has forgotten its keys of drills: ${missing.join(', ')}`, {
      code: 'SERVERS_MISSING',
      hint: 'run it again; they forget those of a week ago by themselves',
      facts: { servers: missing },
    }),
  );
}

function clearText(servers: readonly ServerDrillKeys[], what: string): string {
  const rows = servers.map(({ server, count, code }) => [
    code === null ? 'ok' : 'warn',
    server,
    `${what} ${count} ${count === 1 ? 'key' : 'keys'} of drills${code === null ? '' : `, and then ${code}`}`,
  ]);
  return rows.length === 0 ? 'you have no servers' : formatTable(rows, '  ');
}
