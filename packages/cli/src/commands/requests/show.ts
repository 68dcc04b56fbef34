import { type RequestRecord, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { handOverKept } from '../../requests/hand-over.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';
import { outFile } from '../../terminal/write-out.js';
import { requestObject } from './list.js';

/** `ckm requests show ID` */
export function requestsShowCommand(): Command {
  return leaf('show', 'one request, or the signature it has given', { 75: 'there is no signature' })
    .argument('<id>', 'the first digits of its id')
    .option('--signature', 'print the signature it has given, and nothing else')
    .option('--out <file>', 'write the signature it has given to a new file; - is stdout')
    .action(run(show));
}

interface Flags {
  readonly signature?: true;
  readonly out?: string;
}

async function show(context: Context, id: string, { signature, out }: Flags): Promise<void> {
  const { terminal } = context;
  const request = await (await openOwner(context)).showRequest(id);
  if (signature !== true && out === undefined) {
    terminal.result(requestLines(request), requestObject(request), 'asWritten');
    return;
  }
  await handOverKept(terminal, request, {
    out: context.flags.preview === true ? undefined : outFile(out),
    isExtracted: false,
    isPrinted: signature === true || out === '-',
  });
}

function requestLines(request: RequestRecord): string {
  const now = unixNow();
  return formatTable([
    ['Request', shortId(request.requestId)],
    ['State', request.state],
    ['Key', request.keyName],
    ['Wants', plainText(request.sentence)],
    ['Begun', formatInstant(request.createdAt, now)],
    ['Expires', formatInstant(request.expiresAt, now)],
    ...(request.destination === null ? [] : [['Goes to', plainText(request.destination.out)]]),
    ...request.refusals.map((refusal, at) => [at === 0 ? 'Refused' : '', plainText(refusal)]),
    ...(request.reason === null ? [] : [['Why', plainText(request.reason)]]),
  ]);
}
