import { type RequestRecord, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm requests list` */
export function requestsListCommand(): Command {
  return leaf('list', 'signatures you asked for, oldest first')
    .option('--open', 'only those that go on')
    .action(run(list));
}

async function list(context: Context, flags: { readonly open?: true }): Promise<void> {
  const all = await (await openOwner(context)).listRequests();
  const requests = flags.open === true ? all.filter(({ state }) => state === 'open') : all;
  const now = unixNow();
  const rows = requests.map((request) => [
    shortId(request.requestId),
    request.state,
    request.keyName,
    plainText(request.sentence),
    request.state === 'open'
      ? `expires ${formatInstant(request.expiresAt, now)}`
      : plainText(request.reason ?? ''),
  ]);
  context.terminal.result(
    rows.length === 0 ? 'no requests' : formatTable(rows),
    requests.map(requestObject),
    'asWritten',
  );
  if (all.length === 0 && flags.open !== true) context.terminal.talk(NOT_KEPT);
}

const NOT_KEPT =
  'what servers signed at once is not kept; requests that wait for operators are listed, and how they ended';

/** A request for machines. */
export function requestObject(request: RequestRecord): unknown {
  const { requestId, state, kind, keyName: key, sentence, createdAt, expiresAt, reason } = request;
  return { id: shortId(requestId), requestId, state, kind, key, sentence, createdAt, expiresAt, reason };
}
