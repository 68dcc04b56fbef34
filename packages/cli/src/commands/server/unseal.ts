import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { openWithServerPassphrase } from '../../operator/passphrase-bytes.js';
import { serverXid } from '../../operator/server-xid.js';
import { likenessLine } from '../../terminal/likeness.js';

/** `ckm server unseal` */
export function serverUnsealCommand(): Command {
  return operatorLeaf('unseal', 'open a sealed server with its passphrase').action(run(unseal));
}

async function unseal(context: Context, folder: string): Promise<void> {
  const { terminal, flags } = context;
  const operator = operatorOf(folder);
  const { name, phase } = await operator.status();
  if (phase === 'ready') {
    terminal.result(`${name} is open already`, { name, phase });
    return;
  }
  if (flags.preview === true) {
    terminal.result(`would open ${name}`, { preview: true, name, phase });
    return;
  }
  const after = await openWithServerPassphrase(context, (passphrase) => operator.unseal(passphrase));
  const who =
    after.open === null ? '' : `, likeness ${likenessLine(serverXid(after.open.identity.document))}`;
  terminal.result(`${name} is open${who}`, { name, phase: after.phase });
}
