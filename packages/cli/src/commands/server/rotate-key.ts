import { secret } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { hasPassphrase } from '../../operator/has-passphrase.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askSealingPassphrase } from '../../operator/passphrase-bytes.js';

/** `ckm server rotate-key` */
export function serverRotateKeyCommand(): Command {
  return operatorLeaf(
    'rotate-key',
    'put another storage key in the place of the present one, while the server runs',
  ).action(run(rotateKey));
}

async function rotateKey(context: Context, folder: string): Promise<void> {
  const { terminal, flags } = context;
  const operator = operatorOf(folder);
  const { name } = await operator.status();
  if (flags.preview === true) {
    terminal.result(`would change the storage key of ${name}`, { preview: true, name });
    return;
  }
  const isSealed = hasPassphrase(folder);
  const passphrase = await (isSealed ? askSealingPassphrase(context, folder) : secret(new Uint8Array(0)));
  terminal.talk(`changing the storage key of ${name}, which goes on meanwhile`);
  const { storageKey } = await operator.rotateKey(passphrase);
  terminal.result(
    `${name} uses storage key ${storageKey}; the one before it is destroyed. Back the new one up now`,
    { name, storageKey },
  );
}
