import type { Command } from 'commander';
import { openHeirHere } from '../../approver/approver-home.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { signOptions } from '../sign.js';
import type { SignFlags } from '../../requests/sign-request.js';

/** `ckm heir sign KEY` */
export function heirSignCommand(): Command {
  const command = leaf('sign', 'sign with a key whose use is granted to you, within its terms', {
    69: 'too few servers answer',
    75: 'you left before it was over',
    77: 'it is not granted, or waits for people; or somebody, or a policy, says no',
  })
    .argument('<key>', 'what its owner calls it: see ckm heir list')
    .argument('[file]', 'a message; - is stdin');
  return signOptions(command).action(run(sign));
}

async function sign(
  context: Context,
  key: string,
  file: string | undefined,
  given: SignFlags,
): Promise<void> {
  const heir = await openHeirHere(context);
  const { client, name } = await heir.open(key, context.flags.preview === true);
  context.onEnd(() => client.close());
  const { signRequest } = await import('../../requests/sign-request.js');
  await signRequest(context, { key: name, file, client }, given);
}
