import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { run } from '../../../command-line/run.js';
import { parseInvite } from '../../../operator/key-id.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server invite revoke` */
export function serverInviteRevokeCommand(): Command {
  return operatorLeaf('revoke', 'take back an invite that nobody has used')
    .argument('<invite>', 'the first digits of its id, as ckm server invite list shows it, or its code')
    .action(run(revoke));
}

async function revoke({ terminal, flags }: Context, folder: string, name: string): Promise<void> {
  const operator = operatorOf(folder);
  const invite = parseInvite(name);
  if (flags.preview === true) {
    const { id, note, usedBy } = await operator.invite({ invite });
    const would = usedBy === null ? `would take back invite ${id}` : `invite ${id} has been used already`;
    terminal.result(would, { preview: true, id, note, usedBy });
    return;
  }
  const { id, note } = await operator.revokeInvite({ invite });
  terminal.result(`took back invite ${id}`, { id, note, verdict: 'revoked' });
}
