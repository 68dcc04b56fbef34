import type { Client } from '@ckm/client';
import type { Command } from 'commander';
import { carryOut } from '../../owner/carry-out-change.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { CHANGE_ENDINGS, withByWords } from '../../owner/change-options.js';
import { orderChange, type OrderFlags } from '../../owner/order-change.js';
import { planLines, planObject } from '../../owner/change-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { refreshMany } from '../../owner/refresh-many.js';
import type { WaitFlag } from '../../owner/until-done.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm key refresh NAME…|--all` */
export function keyRefreshCommand(): Command {
  return withByWords(
    leaf('refresh', 'give the servers of a key new shares; the key itself stays the same', CHANGE_ENDINGS),
  )
    .argument('[names...]', 'what you call the key, or several: see ckm key list')
    .option('--all', 'every key, some at a time; said again it goes on where it was')
    .option('--key-name <name>', 'with --by-words: its name once more, in the place of typing it')
    .option('--wait', 'of one key: stay until it is done, however long servers are away')
    .action(run(refresh));
}

interface Flags extends OrderFlags {
  readonly all?: true;
}

async function refresh(context: Context, names: readonly string[], given: Flags): Promise<void> {
  if ((names.length === 0) === (given.all !== true))
    throw optionInvalid('name keys, or say --all', 'write for example ckm key refresh NAME');
  const [name] = names;
  if (given.byWords === true) {
    if (name === undefined || names.length > 1)
      throw optionInvalid('--by-words is for one key', 'name the key, without --all');
    return orderChange(context, name, { kind: 'refresh' }, given);
  }
  const client = await openOwner(context);
  if (name !== undefined && names.length === 1) return refreshOne(context, client, name, given);
  if (given.wait === true) throw optionInvalid('--wait is for one key', 'say the same again later');
  const all = given.all === true ? (await client.listKeys()).map((key) => key.name) : [...new Set(names)];
  return refreshMany(context, client, all);
}

async function refreshOne(context: Context, client: Client, name: string, given: WaitFlag): Promise<void> {
  const { terminal, flags } = context;
  const args = { name, wish: { kind: 'refresh' } } as const;
  const plan = await client.planChange(args);
  if (flags.yes !== true || !terminal.quiet) terminal.warn(planLines(name, plan));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, name, ...planObject(plan) });
    return;
  }
  if (flags.yes !== true && !(await confirm(terminal, 'Make new shares?'))) throw cancelled();
  await carryOut(context, client, args, given);
}
