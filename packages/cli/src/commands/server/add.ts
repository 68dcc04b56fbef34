import { AccessError, CkmError } from '@ckm/foundation';
import {
  type AddServerArgs,
  type Client,
  parseName,
  type ServerPreview,
  type ServerRecord,
} from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { INVITE_FLAG, readInvite } from '../../command-line/invite-flag.js';
import { leaf, run } from '../../command-line/run.js';
import { openLearningOwner } from '../../owner/learning-owner.js';
import { openOwner } from '../../owner/open-owner.js';
import { addWordsFlags, type WordsFlags, withWords } from '../../owner/typed-words.js';
import { readAuthority } from '../../owner/read-authority.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { askAgain } from '../../terminal/ask-again.js';
import { counted } from '../../terminal/counted.js';
import { askHidden, confirm } from '../../terminal/prompt.js';
import { canAsk } from '../../terminal/seat.js';
import type { Terminal } from '../../terminal/terminal.js';

const INVITE_HINT = 'name a file with --invite-file, or run this on a terminal';

/** `ckm server add NAME URL` */
export function serverAddCommand(): Command {
  const command = leaf('add', 'pin a Secret Server by its likeness and open an account there')
    .argument('<name>', 'what you call it: letters a-z, digits, dots, dashes')
    .argument('<url>', 'where it answers')
    .option('--likeness <words>', 'the six words its operator told you; anything else is refused')
    .option(INVITE_FLAG, 'first line is the code, for servers that take nobody without; - is stdin')
    .option(
      '--ca <file>',
      'certificate (PEM) of the authority behind its TLS certificate, where this machine does not know it',
    );
  return addWordsFlags(command, 'open the account with the words, as a device has to').action(run(add));
}

interface Flags extends WordsFlags {
  readonly likeness?: string;
  readonly inviteFile?: string;
  readonly ca?: string;
}

async function add(context: Context, given: string, url: string, options: Flags): Promise<void> {
  const { terminal, flags } = context;
  const { likeness } = options;
  const name = parseName('server', given);
  const invite = await readInvite(options.inviteFile);
  const authority = options.ca === undefined ? undefined : await readAuthority(options.ca);
  const isSigned = options.words === true || options.from.length > 0;
  const client = await (isSigned ? openLearningOwner(context) : openOwner(context));
  const seen = await client.previewServer(url, {
    name,
    ...(likeness === undefined ? {} : { expectedLikeness: likeness }),
    ...(authority === undefined ? {} : { authority }),
  });
  const isSaid = likeness !== undefined || flags.yes === true;
  if (!isSaid)
    terminal.talk(
      '\n  Compare these six words and the picture with what its operator sees (ckm server status FOLDER):',
    );
  if (!isSaid || !terminal.quiet) terminal.warn(`\n${formatLikeness(terminal, seen.title, seen.xid)}\n`);
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
  const record = await withWords(context, options, (words) =>
    addOrAskForInvite(terminal, client, {
      name,
      url: seen.url,
      // It is asked again who it is: nobody else may be pinned than the one that was just shown.
      expectedXid: seen.xid,
      ...(likeness === undefined ? {} : { expectedLikeness: likeness }),
      ...(invite === undefined ? {} : { invite }),
      ...(authority === undefined ? {} : { authority }),
      ...(words === undefined ? {} : { words }),
    }),
  );
  terminal.result(`added ${record.name} at ${record.url}`, serverObject(record, accounts));
  // The server is added, whatever becomes of this.
  const unrecorded = await client.countUnrecorded(name).catch(() => 0);
  if (unrecorded === 0) return;
  terminal.talk(
    `it holds ${counted(unrecorded, 'key')} of yours not on record here; when all your servers are added: ckm key fetch`,
  );
}

/** Asks for an invite once the server has said that it takes nobody without, if somebody is there to be asked. */
async function addOrAskForInvite(
  terminal: Terminal,
  client: Client,
  args: AddServerArgs,
): Promise<ServerRecord> {
  try {
    return await client.addServer(args);
  } catch (error) {
    const isAsked = error instanceof CkmError && error.code === 'INVITE_REQUIRED';
    if (!isAsked || args.invite !== undefined || !canAsk(terminal)) throw error;
    return askAgain(terminal, ['INVITE_INVALID'], async () => {
      const question = 'This server takes nobody without an invite. Its code';
      const code = await askHidden(terminal, question, INVITE_HINT);
      return client.addServer({ ...args, invite: code.trim() });
    });
  }
}

function serverObject(
  { name, url, title, xid }: Pick<ServerRecord, 'name' | 'url' | 'title' | 'xid'>,
  accounts: ServerPreview['accounts'],
) {
  return { name, url, title, accounts, xid, likeness: likenessObject(xid) };
}

function doesNotMatch(): AccessError {
  return new AccessError('the server was not added: you said that its operator told you something else', {
    code: 'SERVER_LIKENESS_MISMATCH',
    hint: 'ask the operator for the likeness on another way than this network',
  });
}
