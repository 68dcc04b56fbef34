import {
  changeIdOf,
  type CancelledOrder,
  type ChangeRecord,
  type Client,
  shortId,
  titleOfChange,
} from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { findOrder, orderLines, orderObject, orderTitle, orNull } from '../../owner/order-words.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';
import { changeObject, sessionObject } from './list.js';

/** `ckm sessions cancel ID` */
export function sessionsCancelCommand(): Command {
  return leaf('cancel', 'cancel a ceremony, here and on every server')
    .argument('<id>', 'the first digits of its id')
    .option('--reason <text>', 'reaches the servers', 'cancelled by its owner')
    .option('--forget <name>', 'also when servers hold the key already: its name')
    .action(run(cancel));
}

async function cancel(
  context: Context,
  id: string,
  { reason, forget }: { readonly reason: string; readonly forget?: string },
): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const change = await client.findChange(id);
  if (change !== null) return cancelChange(context, client, change, reason);
  const session = await orNull(client.showOpenSession(id));
  if (session === null) return cancelOrder(context, client, id);
  const { title } = client.describeSession(session);
  if (flags.preview === true) {
    terminal.result(`would cancel ${title}`, { preview: true, sessionId: session.sessionId });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${title}?`))) throw cancelled();
  const full = encodeHex(session.sessionId);
  const done = await client.cancelSession(full, reason, forget === undefined ? {} : { forget });
  terminal.result(`cancelled session ${shortId(done.sessionId)}`, sessionObject(client, done));
}

/** Takes back what another client of the owner ordered, and what is on record at servers alone. */
async function cancelOrder({ terminal, flags }: Context, client: Client, id: string): Promise<void> {
  const order = await findOrder(client, id);
  if (order === null) {
    await client.showOpenSession(id);
    return;
  }
  terminal.warn(orderLines(terminal, order));
  const title = orderTitle(order);
  if (flags.preview === true) {
    terminal.result(`would cancel ${title}`, { preview: true, sessionId: order.orderHash });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${title}?`))) throw cancelled();
  const { at, silent } = await client.cancelOrder(order);
  const rest = silent.length === 0 ? '' : `; ${silent.join(', ')} did not say so: cancel it again later`;
  terminal.result(
    `cancelled session ${order.id} at ${at.length === 0 ? 'no server' : at.join(', ')}${rest}`,
    {
      ...(orderObject(order) as object),
      state: 'cancelled',
      at,
      silent,
    },
  );
}

async function cancelChange(
  { terminal, flags }: Context,
  client: Client,
  change: ChangeRecord,
  reason: string,
): Promise<void> {
  const title = titleOfChange(change);
  if (flags.preview === true) {
    terminal.result(`would cancel ${title}`, { preview: true, sessionId: changeIdOf(change) });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${title}?`))) throw cancelled();
  const { change: over, ...done } = await client.cancelChange(change, reason);
  terminal.result(`cancelled session ${shortId(changeIdOf(over))}${cancelledRest(done)}`, {
    ...changeObject(over),
    ...done,
  });
}

/** Where it is not sure that nothing comes of it any more. */
function cancelledRest({ decided, bound, silent }: CancelledOrder): string {
  return [
    ...(decided.length === 0
      ? []
      : [
          `; NOT at ${decided.join(', ')}: gone on to another epoch, look who holds the key with ckm key verify`,
        ]),
    ...(bound.length === 0
      ? []
      : [`; ${bound.join(', ')} had bound themselves to a change before: it may come all the same`]),
    ...(silent.length === 0 ? [] : [`; ${silent.join(', ')} did not say so: cancel it again later`]),
  ].join('');
}
