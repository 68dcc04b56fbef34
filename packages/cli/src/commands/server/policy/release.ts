import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { formatPolicy } from '../../../operator/format-policy.js';
import { parseKeyId, parseOwner } from '../../../operator/key-id.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server policy release` */
export function serverPolicyReleaseCommand(): Command {
  return operatorLeaf('release', 'answer again for a key that was stopped by a wrong share')
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .action(run(release));
}

async function release(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  { owner }: { readonly owner?: string },
): Promise<void> {
  const operator = operatorOf(folder);
  const before = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(owner) });
  if (flags.preview === true) {
    const after = { ...before, tightening: { ...before.tightening, stoppedAt: null } };
    terminal.result(`would become:\n${formatPolicy(terminal, after)}`, { preview: true, ...after });
    return;
  }
  const after = await operator.releaseKey({ keyId: before.keyId, owner: before.owner });
  terminal.result(formatPolicy(terminal, after), after);
}
