import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { type TakeOutFlags, takeKeyOut, takeOutOptions } from '../../owner/take-out.js';

/** `ckm key export NAME --to FILE` */
export function keyExportCommand(): Command {
  const command = leaf(
    'export',
    'take a key that may leave out of its servers, whole, into a file of yours',
    {
      75: 'the export is over, or you left',
      77: 'it waits for people, or for the delay of the key: the same command goes on; or somebody says no',
    },
  ).argument('<name>', 'what you call the key: see ckm key list');
  return takeOutOptions(command).action(run(exportKey));
}

async function exportKey(context: Context, name: string, given: TakeOutFlags): Promise<void> {
  const command = `ckm key export ${name}`;
  const stoppedBy = `every device of yours can stop it: ${command} --stop`;
  await takeKeyOut(context, { name, command, stoppedBy, open: () => openOwner(context) }, given);
}
