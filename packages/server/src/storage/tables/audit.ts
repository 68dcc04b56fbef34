import { fromColumns, fromOptional, toColumns } from '../database.js';
import type { AuditReader, Transaction } from '../storage.js';
import { insertRow, type Reading, type Writing } from './writing.js';

export function auditReader({ queries }: Reading): AuditReader {
  return {
    head: async () =>
      fromOptional('audit_head', await queries.selectFrom('audit_head').selectAll().executeTakeFirst()),
    list: async (sequence, limit) => {
      const rows = await queries
        .selectFrom('audit')
        .selectAll()
        .where('sequence', '>=', sequence)
        .orderBy('sequence')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('audit', row));
    },
  };
}

export function auditWriter(writing: Writing): Transaction['audit'] {
  const { queries } = writing;
  return {
    ...auditReader(writing),
    holdHead: async () => {
      const head = queries.selectFrom('audit_head').selectAll();
      const held = writing.kind === 'postgres' ? head.forUpdate() : head;
      return fromOptional('audit_head', await held.executeTakeFirst());
    },
    append: async (row, head) => {
      await insertRow(writing, 'audit', row);
      const columns = toColumns('audit_head', head);
      await queries
        .insertInto('audit_head')
        .values({ id: 1, ...columns } as never)
        .onConflict((conflict) => conflict.column('id' as never).doUpdateSet(columns))
        .execute();
    },
  };
}
