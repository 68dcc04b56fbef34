import { type Client, type PreparedRequest, type SessionRecord, shortId } from '@ckm/client';
import { encodeHex, UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { parseDuration } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { handOver } from '../../requests/hand-over.js';
import { agree } from '../../requests/agree.js';
import { createProgress } from '../../terminal/progress.js';
import type { Terminal } from '../../terminal/terminal.js';
import { assertFree } from '../../terminal/write-out.js';
import { keyLines, keyObject } from '../key/show.js';
import { showRequest, warnAbout } from '../../requests/sign-request.js';

/** `ckm sessions resume ID` */
export function sessionsResumeCommand(): Command {
  return leaf('resume', 'go on with a ceremony from wherever it is')
    .argument('[id]', 'the first digits of its id; not needed when only one is open')
    .option('--blind', 'sign also what cannot be described, where the key allows it; --yes alone never does')
    .option('--wait <time>', 'how long to wait for operators: 30s, 2h (default: until the request expires)')
    .option('--out <file>', 'a new file for a signature instead of stdout')
    .action(run(resume));
}

interface Flags {
  readonly blind?: true;
  readonly wait?: string;
  readonly out?: string;
}

async function resume(context: Context, id: string | undefined, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  await assertFree(given.out);
  const options = given.wait === undefined ? {} : { waitSeconds: parseDuration('--wait', given.wait) };
  const session = await client.showSession(id ?? (await onlyOpen(client)));
  const asked = await showAgain(terminal, client, session, options);
  if (flags.preview === true) {
    const what = `${session.kind === 'dkg' ? 'making' : 'signing with'} ${session.keyName}`;
    const { keyName: key, sessionId } = session;
    terminal.result(`would go on with ${what}`, { preview: true, sessionId, key, ...partsOf(asked) });
    return;
  }
  if (asked !== null) {
    await agree(context, {
      description: asked.description,
      key: session.keyName,
      question: 'Go on with this signature?',
      isBlindWanted: given.blind === true,
    });
  }
  const progress = createProgress(terminal);
  if (asked !== null) {
    const result = await progress.during(asked.sign(progress.on));
    warnAbout(context, terminal, result);
    const kind = session.kind === 'sign' ? session.requestKind : '';
    const { sessionId } = session;
    await handOver(terminal, {
      kind,
      result,
      out: given.out,
      isExtracted: false,
      session: shortId(sessionId),
    });
    return;
  }
  const full = encodeHex(session.sessionId);
  const done = await progress.during(client.resumeSession(full, progress.on));
  if (done.kind === 'sign') return;
  const key = await client.showKey(done.key.name);
  terminal.result(keyLines(terminal, key), keyObject(key));
}

function partsOf(asked: PreparedRequest | null): object {
  if (asked === null) return {};
  const { description, asks, policy, needed } = asked;
  return { description, asks, policy, needed };
}

/** What an open request would sign: who goes on with it may not be who began it, or not remember. */
async function showAgain(
  terminal: Terminal,
  client: Client,
  session: SessionRecord,
  options: { readonly waitSeconds?: number },
): Promise<PreparedRequest | null> {
  if (session.kind !== 'sign' || session.state !== 'open') return null;
  const asked = await client.prepareAgain(encodeHex(session.sessionId), options);
  showRequest(terminal, session.keyName, asked);
  return asked;
}

async function onlyOpen(client: Client): Promise<string> {
  const open = (await client.listSessions()).filter(({ state }) => state === 'open');
  const [only] = open;
  if (only !== undefined && open.length === 1) return encodeHex(only.sessionId);
  throw new UsageError(open.length === 0 ? 'no session is open' : `${open.length} sessions are open`, {
    code: open.length === 0 ? 'SESSION_UNKNOWN' : 'SESSION_AMBIGUOUS',
    hint: 'list them with: ckm sessions list --open',
  });
}
