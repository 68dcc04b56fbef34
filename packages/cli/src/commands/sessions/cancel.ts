import {
  changeIdOf,
  type CancelledOrder,
  type ChangeRecord,
  type Client,
  shortId,
  titleOfChange,
} from '@ckm/client';
import { AvailabilityError, encodeHex, StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
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
    terminal.result(`would cancel ${title}`, {
      preview: true,
      id: shortId(session.sessionId),
      sessionId: session.sessionId,
    });
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
    terminal.result(`would cancel ${title}`, { preview: true, id: order.id, sessionId: order.orderHash });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${title}?`))) throw cancelled();
  const done = await client.cancelOrder(order);
  const where = done.at.length === 0 ? 'no server' : done.at.join(', ');
  terminal.result(`cancelled session ${order.id} at ${where}${cancelledRest(done)}`, {
    ...(orderObject(order) as object),
    state: 'cancelled',
    ...done,
  });
  assertCancelled(title, order.key, done);
}

async function cancelChange(
  { terminal, flags }: Context,
  client: Client,
  change: ChangeRecord,
  reason: string,
): Promise<void> {
  const title = titleOfChange(change);
  if (flags.preview === true) {
    terminal.result(`would cancel ${title}`, {
      preview: true,
      id: shortId(changeIdOf(change)),
      sessionId: changeIdOf(change),
    });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${title}?`))) throw cancelled();
  const { change: over, ...done } = await client.cancelChange(change, reason);
  terminal.result(`cancelled session ${shortId(changeIdOf(over))}${cancelledRest(done)}`, {
    ...changeObject(over),
    ...done,
  });
  assertCancelled(title, over.keyName, done);
}

/**
 * A script, and its reader, must not take for cancelled what may come all the same.
 * @throws StateError `SESSION_OVER`, AvailabilityError `SERVERS_MISSING`
 */
function assertCancelled(title: string, key: string, { decided, bound, silent }: CancelledOrder): void {
  if (decided.length + bound.length > 0)
    throw afterAnswer(
      new StateError(`${title} is decided, or may still be`, {
        code: 'SESSION_OVER',
        hint: 'look who holds the key now, at every server',
        remedy: { kind: 'verifyKey', key },
        facts: { servers: [...decided, ...bound] },
        retryable: false,
      }),
    );
  if (silent.length > 0)
    throw afterAnswer(
      new AvailabilityError(`${title} may go on at ${silent.join(', ')}`, {
        code: 'SERVERS_MISSING',
        hint: 'cancel it again when they answer',
        facts: { servers: [...silent] },
      }),
    );
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
