import { Option, type Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { unlockEarly } from '../owner/unlock-early.js';
import type { DeriveFlags } from '../requests/derive-secret.js';
import { SECRET_FORMS } from '../requests/hand-over-secret.js';

const ENDINGS = {
  69: 'too few servers answer',
  75: 'you left before it was over: ckm requests resume goes on',
  77: 'it waits for people of its terms, or operators; or somebody, or a policy, says no',
} as const;

/** `ckm derive KEY LABEL` */
export function deriveCommand(): Command {
  return leaf('derive', 'a secret for a label, from a quorum of servers: the same each time', ENDINGS)
    .argument('<key>', 'what you call the key, which was made with --for derive')
    .argument('<label>', 'what the secret is for, as in backup/nas: your servers see it')
    .addOption(new Option('--format <form>', 'how it is written').choices(SECRET_FORMS).default('hex'))
    .option('--without <servers>', 'do not ask these servers, separated by commas')
    .option('--wait <time>', 'how long to wait for people: 30s, 2h (default: until the request expires)')
    .option('--out <file>', 'a new file for it, which nobody else may read; - is stdout, as without it')
    .action(run(derive));
}

/** Most of the time is scrypt's, on another thread: everything else is loaded, read and checked beside it. */
async function derive(context: Context, key: string, label: string, given: DeriveFlags): Promise<void> {
  const seed = unlockEarly(context);
  const { deriveSecret } = await import('../requests/derive-secret.js');
  await deriveSecret(context, { key, label, seed }, given);
}
