import { UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { askTyped } from '../../terminal/prompt.js';
import { canAsk, notTyped } from '../../terminal/seat.js';

/** `ckm key forget NAME` */
export function keyForgetCommand(): Command {
  return leaf('forget', 'take a key off your records here; servers keep their shares')
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--key-name <name>', 'its name once more, in the place of typing it; --yes is not enough')
    .action(run(forget));
}

async function forget(
  context: Context,
  name: string,
  { keyName }: { readonly keyName?: string },
): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { createdAt } = await client.planForgetting(name);
  terminal.warn(whatItMeans(name));
  if (flags.preview === true) {
    terminal.result(`would forget ${name} here`, { preview: true, name, createdAt });
    return;
  }
  if (keyName === undefined && !canAsk(terminal)) throw notNamed(name);
  const typed =
    keyName ??
    (await askTyped(terminal, `Type ${name} to forget it here:`, {
      sentence: `Forget the key ${name}`,
      shown: null,
    }));
  if (typed.trim() !== name) throw notTyped(name);
  await client.forgetKey(name);
  terminal.result(`forgot ${name} here`, { name });
}

function whatItMeans(name: string): string {
  return [
    `  What this does      the record of ${name} on this machine goes: it is listed and used here no more`,
    `  What it does not    no share is deleted at any server, and nothing that was signed is taken back;`,
    `                      ckm key fetch brings the key back as long as your servers hold it`,
    '',
  ].join('\n');
}

function notNamed(name: string): UsageError {
  return new UsageError('the name of the key has to be said once more to forget it', {
    code: 'CONFIRMATION_NEEDED',
    hint: `run this on a terminal and type it, or add --key-name ${name}`,
  });
}
