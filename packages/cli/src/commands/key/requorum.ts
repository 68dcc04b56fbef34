import type { Command } from 'commander';
import { UsageError } from '@ckm/foundation';
import { parseQuorumFlag } from '../../command-line/quorum-flag.js';
import { run } from '../../command-line/run.js';
import { CHANGE_ENDINGS, changeLeaf, withByWords } from '../../owner/change-options.js';
import { orderChange, type OrderFlags } from '../../owner/order-change.js';

interface Flags extends OrderFlags {
  readonly quorum: string;
  readonly servers: string;
}

/** `ckm key requorum NAME --quorum 3of5 --servers a,b,c,d,e` */
export function keyRequorumCommand(): Command {
  return withByWords(
    changeLeaf('requorum', 'another quorum, or other servers, for the same key', CHANGE_ENDINGS),
  )
    .requiredOption('--quorum <quorum>', 'how many of how many servers it shall take: 3of5')
    .requiredOption('--servers <names>', 'their names, separated by commas, in order')
    .action(
      run((context, name: string, { quorum, servers, ...given }: Flags) =>
        orderChange(
          context,
          name,
          { kind: 'requorum', quorum: parseQuorumFlag(quorum), servers: namesIn(servers) },
          given,
        ),
      ),
    );
}

function namesIn(text: string): string[] {
  const names = text.split(',').map((one) => one.trim());
  if (names.every((one) => one !== '')) return names;
  throw new UsageError('--servers holds an empty name', {
    code: 'OPTION_INVALID',
    hint: 'write the names with single commas between: --servers alpha,bravo,charlie',
  });
}
