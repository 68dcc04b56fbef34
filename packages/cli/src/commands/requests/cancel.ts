import { shortId } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';
import { requestObject } from './list.js';

/** `ckm requests cancel ID` */
export function requestsCancelCommand(): Command {
  return leaf('cancel', 'cancel a request, here and on every server')
    .argument('<id>', 'the first digits of its id')
    .option('--reason <text>', 'reaches the servers', 'cancelled by its owner')
    .action(run(cancel));
}

async function cancel(
  context: Context,
  given: string,
  { reason }: { readonly reason: string },
): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { requestId, keyName } = await client.showOpenRequest(given);
  const what = `signing with ${keyName}`;
  if (flags.preview === true) {
    terminal.result(`would cancel ${what}`, { preview: true, requestId });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, `Cancel ${what}?`))) throw cancelled();
  const done = await client.cancelRequest(encodeHex(requestId), reason);
  terminal.result(`cancelled request ${shortId(done.requestId)}`, requestObject(done));
}
