import type { Client } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../home/open-owner.js';
import { createProgress } from '../../terminal/progress.js';
import { assertFree } from '../../terminal/write-out.js';
import { keyLines, keyObject } from '../key/show.js';
import { answer, warnAbout } from '../sign.js';

/** `ckm sessions resume ID` */
export function sessionsResumeCommand(): Command {
  return leaf('resume', 'go on with a ceremony from wherever it is')
    .argument('[id]', 'the first digits of its id; not needed when only one is open')
    .option('--out <file>', 'a new file for a signature instead of stdout')
    .action(run(resume));
}

async function resume(
  context: Context,
  id: string | undefined,
  { out }: { readonly out?: string },
): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  await assertFree(out);
  const session = await client.showSession(id ?? (await onlyOpen(client)));
  if (context.flags.preview === true) {
    terminal.result(
      `would go on with ${session.kind === 'dkg' ? 'making' : 'signing with'} ${session.keyName}`,
      {
        preview: true,
        sessionId: session.sessionId,
      },
    );
    return;
  }
  const progress = createProgress(terminal);
  const full = Buffer.from(session.sessionId).toString('hex');
  const done = await client.resumeSession(full, progress.on).finally(progress.end);
  if (done.kind === 'sign') {
    warnAbout(context, terminal, done.result);
    await answer(terminal, session.kind === 'sign' ? session.requestKind : '', done.result, out);
    return;
  }
  const key = await client.showKey(done.key.name);
  terminal.result(keyLines(terminal, key), keyObject(key));
}

async function onlyOpen(client: Client): Promise<string> {
  const open = (await client.listSessions()).filter(({ standing }) => standing === 'open');
  const [only] = open;
  if (only !== undefined && open.length === 1) return Buffer.from(only.sessionId).toString('hex');
  throw new UsageError(open.length === 0 ? 'no session is open' : `${open.length} sessions are open`, {
    code: open.length === 0 ? 'SESSION_UNKNOWN' : 'SESSION_AMBIGUOUS',
    hint: 'list them with: ckm sessions list --open',
  });
}
