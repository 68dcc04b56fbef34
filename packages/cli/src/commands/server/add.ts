import { AccessError } from '@ckm/foundation';
import { parseName, type ServerPreview, type ServerRecord } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../home/open-owner.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { cancelled, confirm } from '../../terminal/prompt.js';

/** `ckm server add NAME URL` */
export function serverAddCommand(): Command {
  return leaf('add', 'pin a Secret Server by its likeness and open an account there')
    .argument('<name>', 'what you call it: letters a-z, digits, dots, dashes')
    .argument('<url>', 'where it answers')
    .option('--likeness <words>', 'the six words its operator told you; anything else is refused')
    .option('--invite <code>', 'for servers that take nobody without')
    .action(run(add));
}

interface Flags {
  readonly likeness?: string;
  readonly invite?: string;
}

async function add(context: Context, given: string, url: string, { likeness, invite }: Flags): Promise<void> {
  const { terminal, flags } = context;
  const name = parseName('server', given);
  const client = await openOwner(context);
  const seen = await client.previewServer(url);
  terminal.warn(`\n${formatLikeness(terminal, seen.title, seen.xid)}\n`);
  const { accounts } = seen;
  if (flags.preview === true) {
    terminal.result(`would pin ${seen.title} at ${seen.url} as ${name} and open an account there`, {
      preview: true,
      ...serverObject({ ...seen, name }, accounts),
    });
    return;
  }
  if (likeness === undefined && flags.yes !== true) {
    if (!(await confirm(terminal, 'Is this what its operator told you, by phone or in person?')))
      throw doesNotMatch();
  }
  const record = await client.addServer({
    name,
    url: seen.url,
    // It is asked again who it is: nobody else may be pinned than the one that was just shown.
    expectedXid: seen.xid,
    ...(likeness === undefined ? {} : { expectedLikeness: likeness }),
    ...(invite === undefined ? {} : { invite }),
  });
  terminal.result(`added ${record.name} at ${record.url}`, serverObject(record, accounts));
  // The server is added, whatever becomes of this.
  const unrecorded = await client.countUnrecorded(name).catch(() => 0);
  if (unrecorded === 0) return;
  const keys = `${unrecorded} ${unrecorded === 1 ? 'key' : 'keys'}`;
  terminal.talk(
    `it holds ${keys} of yours not on record here; when all your servers are added: ckm key fetch`,
  );
}

function serverObject(
  { name, url, title, xid }: Pick<ServerRecord, 'name' | 'url' | 'title' | 'xid'>,
  accounts: ServerPreview['accounts'],
) {
  return { name, url, title, accounts, xid, likeness: likenessObject(xid) };
}

function doesNotMatch(): AccessError {
  const { message } = cancelled();
  return new AccessError(`the server was not added: ${message}`, {
    code: 'SERVER_LIKENESS_MISMATCH',
    hint: 'ask the operator for the likeness on another way than this network',
  });
}
