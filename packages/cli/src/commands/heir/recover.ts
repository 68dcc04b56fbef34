import type { Command } from 'commander';
import { openHeirHere } from '../../approver/approver-home.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { type TakeOutFlags, takeKeyOut, takeOutOptions } from '../../owner/take-out.js';

/** `ckm heir recover KEY --to FILE` */
export function heirRecoverCommand(): Command {
  const command = leaf(
    'recover',
    'take a key that may leave out of its servers, whole, where that is granted to you',
    {
      75: 'it is not granted to you yet, the export is over, or you left',
      77: 'it waits for people, or for the delay of the key: the same command goes on; or somebody says no',
    },
  ).argument('<key>', 'what its owner calls it: see ckm heir list');
  return takeOutOptions(command).action(run(recover));
}

async function recover(context: Context, key: string, given: TakeOutFlags): Promise<void> {
  const heir = await openHeirHere(context);
  const { client, name } = await heir.open(key, context.flags.preview === true);
  context.onEnd(() => client.close());
  const command = `ckm heir recover ${key}`;
  const stoppedBy = `any sign of life of its owner ends it; you stop it yourself with ${command} --stop`;
  await takeKeyOut(context, { name, command, stoppedBy, open: () => Promise.resolve(client) }, given);
}
