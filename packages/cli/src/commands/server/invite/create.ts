import { UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { parseDuration } from '../../../command-line/option-values.js';
import { run } from '../../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';
import { formatInstant, unixNow } from '../../../terminal/instant.js';

/** `ckm server invite create` */
export function serverInviteCreateCommand(): Command {
  return operatorLeaf('create', 'a code with which one person may open one account')
    .option('--note <text>', 'for whom; only you see it', '')
    .option('--expires-in <time>', 'how long it is good', '7d')
    .action(run(create));
}

interface Flags {
  readonly note: string;
  readonly expiresIn: string;
}

async function create(
  { terminal, flags }: Context,
  folder: string,
  { note, expiresIn }: Flags,
): Promise<void> {
  const lifetimeSeconds = parseDuration('--expires-in', expiresIn);
  const operator = operatorOf(folder);
  if (flags.preview === true) {
    const admission = (await operator.status()).open?.identity.accounts;
    if (admission === 'closed') throw invitesClosed();
    if (admission === 'open') terminal.warn(NOT_NEEDED);
    terminal.result(`would make an invite for one account, good for ${expiresIn}`, {
      preview: true,
      note,
      lifetimeSeconds,
    });
    return;
  }
  const { code, id, expiresAt, needed } = await operator.createInvite({ note, lifetimeSeconds });
  if (!needed) terminal.warn(NOT_NEEDED);
  terminal.result(code, { code, id, expiresAt, note, needed });
  terminal.talk(`shown this once; it expires ${formatInstant(expiresAt, unixNow())}`);
  terminal.talk(`to take it back: ckm server invite revoke ${folder} ${id.slice(0, 8)}`);
}

const NOT_NEEDED =
  'this server is open: nobody needs an invite. The code counts once "accounts" is "invite" in config.json';

/** What the server itself says when it is asked in earnest. */
function invitesClosed(): UsageError {
  return new UsageError('this server is closed: it takes nobody new, with or without an invite', {
    code: 'INVITES_CLOSED',
    hint: 'set "accounts" to "invite" in config.json, then start the server again',
  });
}
