import type { Client, SettlingWish } from '@ckm/client';
import type { Command } from 'commander';
import { optionInvalid } from '../../command-line/option-values.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { isWanted, showProposed, writtenFor } from './propose.js';

/** `ckm terms settle KEY [FILE]` */
export function termsSettleCommand(): Command {
  return leaf('settle', 'have servers that went on in different ways go by the same terms again', {
    75: 'NOT in force yet: it waits, or too few servers have heard of it; the same command goes on',
  })
    .argument('<key>', 'what you call the key: see ckm key list')
    .argument('[file]', 'all of its terms, as they are to be; without it, as they were before')
    .option('--like <server>', 'as this server has them')
    .action(run(settle));
}

interface Flags {
  readonly like?: string;
}

async function settle(
  context: Context,
  name: string,
  file: string | undefined,
  { like }: Flags,
): Promise<void> {
  const client = await openOwner(context);
  const wish = await wishFor(client, name, file, like);
  if (await isWanted(context, await client.planSettling(name, wish)))
    showProposed(context, await client.settleTerms(name, wish));
}

async function wishFor(
  client: Client,
  name: string,
  file: string | undefined,
  like: string | undefined,
): Promise<SettlingWish> {
  if (file !== undefined && like !== undefined)
    throw optionInvalid('--like goes with no file', 'leave one of both out');
  if (like !== undefined) return { by: 'server', server: like };
  if (file === undefined) return { by: 'before' };
  return { by: 'written', written: await writtenFor(client, name, file) };
}
