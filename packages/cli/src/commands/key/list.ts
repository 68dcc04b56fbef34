import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { likenessLine } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';
import { keyObject, quorumText } from './show.js';

/** `ckm key list` */
export function keyListCommand(): Command {
  return leaf('list', 'your keys').action(run(list));
}

async function list(context: Context): Promise<void> {
  const client = await openOwner(context);
  const keys = [];
  for (const { name } of await client.listKeys()) keys.push(await client.showKey(name));
  const rows = keys.map((key) => [
    key.record.name,
    key.purpose,
    quorumText(key),
    likenessLine(key.transcriptHash),
    key.isComplete ? '' : 'not complete',
  ]);
  context.terminal.result(
    rows.length === 0 ? 'no keys yet; make one with: ckm key create' : formatTable(rows),
    keys.map(keyObject),
  );
}
