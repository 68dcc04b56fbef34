import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { unlockEarly } from '../owner/unlock-early.js';
import { SIGN_ENDINGS } from '../requests/sign-endings.js';
import { requestOptions } from '../requests/request-options.js';
import type { SignFlags } from '../requests/sign-request.js';

/** `ckm sign KEY` */
export function signCommand(): Command {
  const command = leaf('sign', 'sign with a quorum of servers', SIGN_ENDINGS)
    .argument('<key>', 'what you call the key: see ckm key list')
    .argument('[file]', 'a message; - is stdin');
  return signOptions(command).action(run(sign));
}

/** Every option of a command that signs. */
export function signOptions(command: Command): Command {
  for (const option of requestOptions()) command.addOption(option);
  return command
    .option('--blind', 'sign also what cannot be described, where the key allows it; --yes alone never does')
    .option(
      '--accept-loss',
      'sign also what destroys value or costs more than it pays; --yes alone never does',
    )
    .option('--without <servers>', 'do not ask these servers, separated by commas')
    .option('--wait <time>', 'how long to wait for people: 30s, 2h (default: until the request expires)')
    .option('--out <file>', 'a new file for the answer; - is stdout, as without it');
}

/** Most of the time is scrypt's, on another thread: everything else is loaded, read and checked beside it. */
async function sign(
  context: Context,
  key: string,
  file: string | undefined,
  given: SignFlags,
): Promise<void> {
  const seed = unlockEarly(context);
  const { signRequest } = await import('../requests/sign-request.js');
  await signRequest(context, { key, file, seed }, given);
}
