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
  if (flags.preview === true) {
    terminal.result(`would make an invite for one account, good for ${expiresIn}`, {
      preview: true,
      note,
      lifetimeSeconds,
    });
    return;
  }
  const { code, expiresAt } = await operatorOf(folder).createInvite({ note, lifetimeSeconds });
  terminal.result(code, { code, expiresAt, note });
  terminal.talk(`shown this once; it expires ${formatInstant(expiresAt, unixNow())}`);
}
