import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { parseWhole } from '../../../command-line/option-values.js';
import { run } from '../../../command-line/run.js';
import { formatAudit } from '../../../operator/audit-lines.js';
import { operatorLeaf, operatorOf } from '../../../operator/operator-leaf.js';

/** `ckm server audit show` */
export function serverAuditShowCommand(): Command {
  return operatorLeaf('show', 'what the server did, for whom, and why not')
    .option('--limit <number>', 'so many entries at most', '50')
    .option('--from <number>', 'the first entry to show (else: the latest ones)')
    .action(run(show));
}

const MOST = 1_000;

async function show(
  { terminal }: Context,
  folder: string,
  flags: { readonly limit: string; readonly from?: string },
): Promise<void> {
  const limit = parseWhole('--limit', flags.limit, 1, MOST);
  const operator = operatorOf(folder);
  const entries = (await operator.status()).open?.auditEntries ?? 0;
  const from =
    flags.from === undefined
      ? Math.max(1, entries - limit + 1)
      : parseWhole('--from', flags.from, 1, Number.MAX_SAFE_INTEGER);
  const lines = await operator.audit({ from, limit });
  terminal.result(formatAudit(lines), lines, 'asWritten');
  terminal.talk(`${lines.length} of ${entries} entries`);
}
