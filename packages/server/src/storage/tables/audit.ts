import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { AuditReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { insertRow, type Writing } from './writing.js';

const findHead = prepared((queries) => queries.selectFrom('audit_head').selectAll());
const holdHead = prepared((queries) => queries.selectFrom('audit_head').selectAll().forUpdate());
const moveHead = prepared((queries, sequence: number, hash: Uint8Array, sealed: Uint8Array) =>
  queries
    .insertInto('audit_head')
    .values({ id: 1, sequence, hash, sealed } as never)
    .onConflict((conflict) =>
      conflict.column('id' as never).doUpdateSet({
        sequence: sql`excluded.sequence`,
        hash: sql`excluded.hash`,
        sealed: sql`excluded.sealed`,
      }),
    ),
);

export function auditReader(reading: Reading): AuditReader {
  const { queries } = reading;
  return {
    head: async () => fromOptional('audit_head', (await findHead(reading)).rows[0]),
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
  return {
    ...auditReader(writing),
    holdHead: async () => {
      const held = writing.kind === 'postgres' ? holdHead : findHead;
      return fromOptional('audit_head', (await held(writing)).rows[0]);
    },
    append: async (row, { sequence, hash, sealed }) => {
      await insertRow(writing, 'audit', row);
      await moveHead(writing, sequence, hash, sealed);
    },
    removeHead: async () => {
      await writing.queries.deleteFrom('audit_head').execute();
    },
  };
}
