import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { formatPolicy } from '../../../operator/format-policy.js';
import { parseKeyId, parseOwner } from '../../../operator/key-id.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server policy show` */
export function serverPolicyShowCommand(): Command {
  return operatorLeaf('show', 'what is allowed for a key, by its owner and by you')
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .action(run(show));
}

async function show(
  { terminal }: Context,
  folder: string,
  key: string,
  { owner }: { readonly owner?: string },
): Promise<void> {
  const policy = await operatorOf(folder).keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(owner) });
  terminal.result(formatPolicy(terminal, policy), policy);
}
