import type { OperatorKeyPolicy } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { run } from '../command-line/run.js';
import { formatPolicy } from './format-policy.js';
import { parseKeyId, parseOwner } from './key-id.js';
import { operatorLeaf, operatorOf } from './operator-leaf.js';

interface PolicyLifting {
  readonly word: 'release' | 'thaw';
  readonly summary: string;
  /** What the key would be afterwards. */
  lifted(before: OperatorKeyPolicy): OperatorKeyPolicy;
}

interface Flags {
  readonly owner?: string;
}

/** A command that lets a key answer again, whatever kept it from it. */
export function policyLiftingCommand(lifting: PolicyLifting): Command {
  return operatorLeaf(lifting.word, lifting.summary)
    .argument('<key>', 'the first digits of the id of the key, as ckm server keys shows it')
    .option('--owner <xid>', 'the account, 64 hex digits; needed only when the ids of two begin alike')
    .action(
      run((context: Context, folder: string, key: string, flags: Flags) =>
        lift(context, folder, key, flags, lifting),
      ),
    );
}

async function lift(
  { terminal, flags }: Context,
  folder: string,
  key: string,
  { owner }: Flags,
  { word, lifted }: PolicyLifting,
): Promise<void> {
  const operator = operatorOf(folder);
  const before = await operator.keyPolicy({ keyId: parseKeyId(key), owner: parseOwner(owner) });
  if (flags.preview === true) {
    const after = lifted(before);
    terminal.result(`would become:\n${formatPolicy(terminal, after)}`, { preview: true, ...after });
    return;
  }
  const parameters = { keyId: before.keyId, owner: before.owner };
  const after = await (word === 'release' ? operator.releaseKey(parameters) : operator.thawKey(parameters));
  terminal.result(formatPolicy(terminal, after), after);
}
