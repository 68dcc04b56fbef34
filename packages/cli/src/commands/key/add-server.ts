import type { Command } from 'commander';
import { CHANGE_ENDINGS, changeLeaf, withByWords } from '../../owner/change-options.js';
import { run } from '../../command-line/run.js';
import { orderChange, type OrderFlags } from '../../owner/order-change.js';

/** `ckm key add-server NAME SERVER` */
export function keyAddServerCommand(): Command {
  return withByWords(changeLeaf('add-server', 'give one more server a share of a key', CHANGE_ENDINGS))
    .argument('<server>', 'which server of yours: see ckm server list')
    .action(
      run((context, name: string, server: string, given: OrderFlags) =>
        orderChange(context, name, { kind: 'add-server', server }, given),
      ),
    );
}
