import type { Command } from 'commander';
import { CHANGE_ENDINGS, changeLeaf, withByWords } from '../../owner/change-options.js';
import { run } from '../../command-line/run.js';
import { orderChange, type OrderFlags } from '../../owner/order-change.js';

/** `ckm key remove-server NAME SERVER` */
export function keyRemoveServerCommand(): Command {
  return withByWords(
    changeLeaf(
      'remove-server',
      'make new shares of a key that one of its servers has no part in',
      CHANGE_ENDINGS,
    ),
  )
    .argument('<server>', 'which server of the key')
    .action(
      run((context, name: string, server: string, given: OrderFlags) =>
        orderChange(context, name, { kind: 'remove-server', server }, given),
      ),
    );
}
