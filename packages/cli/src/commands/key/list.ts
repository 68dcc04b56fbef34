import type { Client } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { likenessLine } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';
import { keyObject, quorumText } from './show.js';

/** `ckm key list` */
export function keyListCommand(): Command {
  return leaf('list', 'your keys').action(run(list));
}

async function list(context: Context): Promise<void> {
  const client = await openOwner(context);
  const lines: Line[] = [];
  for (const { name } of await client.listKeys()) lines.push(await lineOf(context, client, name));
  context.terminal.result(
    lines.length === 0
      ? 'no keys yet; make one with: ckm key create NAME'
      : formatTable(lines.map(({ cells }) => cells)),
    lines.map(({ object }) => object),
  );
}

interface Line {
  readonly cells: readonly string[];
  /** The same for machines. */
  readonly object: unknown;
}

/** A key whose certificate does not hold is one line, which says so: the others are shown all the same. */
async function lineOf({ terminal }: Context, client: Client, name: string): Promise<Line> {
  try {
    const key = await client.showKey(name);
    const { purpose, transcriptHash, isComplete } = key;
    const { expiresAt } = key.record.policy;
    const isExpired = expiresAt !== null && expiresAt <= unixNow();
    const ending = isExpired ? terminal.style('red', `expired ${formatInstant(expiresAt, unixNow())}`) : '';
    const dealt = key.newest.params.flags.dealt ? 'dealt: whoever had the original still has it' : '';
    const state = isComplete ? [ending, dealt].filter((one) => one !== '').join(', ') : 'not complete';
    return {
      cells: [name, purpose, quorumText(key), likenessLine(transcriptHash), state],
      object: keyObject(key),
    };
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'KEY_CERTIFICATE_INVALID') throw error;
    const { code, message, hint } = error;
    return {
      cells: [name, terminal.style('red', `${message}: ckm explain ${code}`)],
      object: { name, problem: { code, message, hint } },
    };
  }
}
