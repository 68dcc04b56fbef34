import { fromColumns, fromOptional } from '../database.js';
import type { DepositReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

export function depositReader({ queries }: Reading): DepositReader {
  const of = (owner: Uint8Array) => queries.selectFrom('deposits').selectAll().where('owner', '=', owner);
  return {
    find: async (owner, receipt) =>
      fromOptional('deposits', await of(owner).where('receipt', '=', receipt).executeTakeFirst()),
    of: async (owner, limit) => {
      const rows = await of(owner).orderBy('receipt').limit(limit).execute();
      return rows.map((row) => fromColumns('deposits', row));
    },
  };
}

export function depositWriter(writing: Writing): Transaction['deposits'] {
  return {
    ...depositReader(writing),
    insert: (row) => insertRow(writing, 'deposits', row),
    remove: async (owner, receipt) => {
      const removed = await writing.queries
        .deleteFrom('deposits')
        .where('owner', '=', owner)
        .where('receipt', '=', receipt)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
      return removed.length > 0;
    },
  };
}
