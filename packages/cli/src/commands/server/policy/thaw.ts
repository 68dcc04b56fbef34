import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { formatPolicy } from '../../../operator/format-policy.js';
import { parseKeyId, parseOwner } from '../../../operator/key-id.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server policy thaw` */
export function serverPolicyThawCommand(): Command {
  return operatorLeaf('thaw', 'end the freeze of a key by its owner before its time')
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .action(run(thaw));
}

async function thaw(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  { owner }: { readonly owner?: string },
): Promise<void> {
  const operator = operatorOf(folder);
  const before = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(owner) });
  if (flags.preview === true) {
    const after = { ...before, frozen: null };
    terminal.result(`would become:\n${formatPolicy(terminal, after)}`, { preview: true, ...after });
    return;
  }
  const after = await operator.thawKey({ keyId: before.keyId, owner: before.owner });
  terminal.result(formatPolicy(terminal, after), after);
}
