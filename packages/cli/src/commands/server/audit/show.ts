import type { OperatorAuditLine } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../../command-line/context.js';
import { parseWhole } from '../../../command-line/option-values.js';
import { run } from '../../../command-line/run.js';
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
  terminal.result(lines.map(formatLine).join('\n'), lines);
  terminal.talk(`${lines.length} of ${entries} entries`);
}

function formatLine({
  sequence,
  at,
  verdict,
  sentence,
  deed,
  who,
  keyId,
  subject,
  policy,
  detail,
}: OperatorAuditLine): string {
  const when = new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const account = who === null ? '' : `account ${who.slice(0, 8)}`;
  const key = keyId === null ? '' : `key ${keyId.slice(0, 8)}`;
  const about = subject === null ? '' : `${subjectOf(deed)} ${subject.slice(0, 8)}`;
  const more = [account, key, about, policy, detail].filter((part) => part !== '');
  const tail = more.length === 0 ? '' : `  (${more.join(' · ')})`;
  return `${String(sequence).padStart(5)}  ${when}  ${verdict.padEnd(8)}  ${sentence}${tail}`;
}

/** What the id of an entry names. */
function subjectOf(deed: string): string {
  if (deed.startsWith('request.') || deed === 'operator.approve' || deed === 'operator.reject')
    return 'request';
  if (deed === 'operator.invite' || deed === 'operator.revoke') return 'invite';
  return 'session';
}
