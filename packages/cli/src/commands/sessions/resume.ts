import {
  changeIdOf,
  type ChangedKey,
  type ChangeRecord,
  type Client,
  shortId,
  titleOfChange,
} from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { onlyOpen } from '../../command-line/only-open.js';
import { leaf, run } from '../../command-line/run.js';
import { compareLikeness } from '../../guide/compare-likeness.js';
import { assertAsOrdered, showChanged } from '../../owner/carry-out-change.js';
import { openOwner } from '../../owner/open-owner.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { sayNext, showRepaired } from '../key/repair.js';
import { showMade } from '../key/show.js';

/** `ckm sessions resume ID` */
export function sessionsResumeCommand(): Command {
  return leaf('resume', 'go on with a ceremony from wherever it is')
    .argument('[id]', 'the first digits of its id; not needed when only one is open')
    .action(run(resume));
}

async function resume(context: Context, id: string | undefined): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const wanted = id ?? onlyOpen('session', await idsOfOpen(client));
  const change = await client.findChange(wanted);
  if (change !== null) return resumeChange(context, client, change);
  const session = await client.showOpenSession(wanted);
  if (flags.preview === true) {
    const { keyName: key, sessionId } = session;
    const { title } = client.describeSession(session);
    terminal.result(`would go on with ${title}`, { preview: true, id: shortId(sessionId), sessionId, key });
    return;
  }
  const progress = createProgress(terminal);
  const work = client.resumeSession(encodeHex(session.sessionId), progress.on);
  let repaired: string | null = null;
  await progress.during(work, async (outcome) => {
    if (outcome.kind === 'repair') {
      repaired = outcome.key;
      showRepaired(context, { outcome: 'repaired', ...outcome });
    } else if (outcome.kind === 'change') showChanged(context, outcome);
    else showMade(context, await client.showKey(outcome.key.name));
  });
  warnOfClock(context, client);
  await sayNext(context, client, repaired);
  if (['dkg', 'import'].includes(session.proposal.kind))
    await compareLikeness(context, client, session.keyName);
}

async function resumeChange(context: Context, client: Client, change: ChangeRecord): Promise<void> {
  const { terminal, flags } = context;
  if (flags.preview === true) {
    const sessionId = changeIdOf(change);
    const { keyName: key } = change;
    terminal.result(`would go on with ${titleOfChange(change)}`, {
      preview: true,
      id: shortId(sessionId),
      sessionId,
      key,
    });
    return;
  }
  const progress = createProgress(terminal);
  const work = client.resumeSession(encodeHex(changeIdOf(change)), progress.on);
  let done: ChangedKey | null = null;
  await progress.during(work, (outcome) => {
    if (outcome.kind !== 'change') return;
    done = outcome;
    showChanged(context, outcome);
  });
  warnOfClock(context, client);
  assertAsOrdered(done);
}

async function idsOfOpen(client: Client): Promise<Uint8Array[]> {
  const isOpen = ({ state }: { readonly state: string }) => state === 'open';
  const changes = (await client.listChanges()).filter(isOpen).map(changeIdOf);
  const sessions = (await client.listSessions()).filter(isOpen);
  return [
    ...changes,
    ...sessions.filter(({ proposal }) => proposal.kind !== 'reshare').map(({ sessionId }) => sessionId),
  ];
}
