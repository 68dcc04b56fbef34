import { type SessionRecord, shortId } from '@ckm/client';
import { StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { artefactText } from '../../requests/artefact.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';
import { writeOut } from '../../terminal/write-out.js';
import { sessionObject } from './list.js';

/** `ckm sessions show ID` */
export function sessionsShowCommand(): Command {
  return leaf('show', 'one ceremony')
    .argument('<id>', 'the first digits of its id')
    .option('--signature', 'print the signature it has made, and nothing else')
    .option('--out <file>', 'write the signature it has made to a new file')
    .action(run(show));
}

interface Flags {
  readonly signature?: true;
  readonly out?: string;
}

async function show(context: Context, id: string, { signature, out }: Flags): Promise<void> {
  const { terminal } = context;
  const session = await (await openOwner(context)).showSession(id);
  if (signature !== true && out === undefined) {
    terminal.result(sessionLines(session), sessionObject(session));
    return;
  }
  const artefact = signatureOf(session);
  const shown = artefactText(session.kind === 'sign' ? session.requestKind : '', artefact);
  if (out !== undefined && context.flags.preview !== true) await writeOut(out, artefact);
  const object = { id: shortId(session.sessionId), artefact: shown.text, ...shown.more, out: out ?? null };
  terminal.result(signature === true ? shown.text : '', object);
}

/** @throws StateError `SESSION_UNFINISHED` */
function signatureOf(session: SessionRecord): Uint8Array {
  if (session.kind === 'sign' && session.artefact !== null) return session.artefact;
  const id = shortId(session.sessionId);
  throw new StateError(`session ${id} keeps no signature: it is ${session.state}`, {
    code: 'SESSION_UNFINISHED',
    hint: session.state === 'open' ? `go on with: ckm sessions resume ${id}` : 'sign again',
    retryable: false,
  });
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
    ['State', session.state],
    ['Key', session.keyName],
    ...what,
    ['Begun', formatInstant(session.createdAt, now)],
    ['Expires', formatInstant(session.expiresAt, now)],
    ...(session.reason === null ? [] : [['Why', session.reason]]),
  ]);
}
