import { type DepositRecord, isStored } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { dateOf } from '../../terminal/instant.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm csr list` */
export function csrListCommand(): Command {
  return leaf('list', 'the shares at servers that stand on record here; no server is asked').action(
    run(list),
  );
}

async function list(context: Context): Promise<void> {
  const client = await openOwner(context);
  const records = await client.listDeposits();
  const text =
    records.length === 0 ? 'no shares at servers are on record here' : formatTable(records.map(row));
  context.terminal.result(text, {
    deposits: records.map((record) => ({
      kind: record.kind,
      at: record.at,
      state: stateOf(record),
      servers: record.places.map(({ name, url, xid }) => ({ name, url, xid })),
    })),
  });
}

function row(record: DepositRecord): string[] {
  const what = record.kind === 'owner' ? 'your words' : 'another secret';
  return [
    what,
    record.places.map(({ name }) => name).join(', '),
    `since ${dateOf(record.at)}`,
    STATES[stateOf(record)],
  ];
}

type State = 'stored' | 'storing' | 'leaving';

function stateOf(record: DepositRecord): State {
  if (record.isLeaving) return 'leaving';
  return isStored(record) ? 'stored' : 'storing';
}

const STATES: Readonly<Record<State, string>> = {
  stored: 'stored',
  storing: 'NOT stored everywhere yet: ckm csr store, or what was begun, once more',
  leaving: 'NOT deleted everywhere yet: ckm csr delete',
};
