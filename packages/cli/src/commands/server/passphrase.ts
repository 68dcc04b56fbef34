import { CkmError } from '@ckm/foundation';
import { changePassphrase, encodePassphrases, type Passphrases } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askNextServerPassphrase, askPresentPassphrase } from '../../operator/passphrase-bytes.js';

/** `ckm server passphrase` */
export function serverPassphraseCommand(): Command {
  return operatorLeaf(
    'passphrase',
    'keep the storage key under another passphrase; the old one opens it no more',
  )
    .option('--new-passphrase-file <file>', 'its first line is the new one; - is stdin')
    .action(run(change));
}

async function change(
  context: Context,
  folder: string,
  { newPassphraseFile }: { readonly newPassphraseFile?: string },
): Promise<void> {
  const { terminal, flags } = context;
  if (flags.preview === true) {
    terminal.result(`would change the passphrase of the server in ${folder}`, { preview: true, folder });
    return;
  }
  const present = await askPresentPassphrase(context, folder);
  // Its file is that of the present one.
  const { passphraseFile: _present, ...others } = flags;
  const next = await askNextServerPassphrase({
    ...context,
    flags: newPassphraseFile === undefined ? others : { ...others, passphraseFile: newPassphraseFile },
  });
  terminal.talk('changing it …');
  await changeWherever(folder, { present, next });
  terminal.result('the passphrase is changed; the old one opens this server no more', { changed: true });
  terminal.talk(
    'copies of storage.key.sealed and backups from before still open with the old one: replace or destroy them. Change the files that units read it from too',
  );
}

/** A running server does it itself, open or sealed; of one that does not run, the file is written. */
async function changeWherever(folder: string, passphrases: Passphrases): Promise<void> {
  const operator = operatorOf(folder);
  if (await isRunning(operator)) await operator.changePassphrase(encodePassphrases(passphrases));
  else await changePassphrase({ dataDir: resolve(folder), ...passphrases });
}

async function isRunning({ status }: Pick<ReturnType<typeof operatorOf>, 'status'>): Promise<boolean> {
  try {
    await status();
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'SERVER_NOT_RUNNING') return false;
    throw error;
  }
}
