import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { DeviceReader, DevicesPlace, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

// A literal, not a parameter: only then can the databases use the partial index.
const YES = sql.lit(1);
const NO = sql.lit(0);

const isBehind = ({ generation, number }: DevicesPlace) =>
  sql<boolean>`(generation, number) > (${generation}, ${number})`;

export function deviceReader({ queries }: Reading): DeviceReader {
  const of = (owner: Uint8Array) => queries.selectFrom('devices').selectAll().where('owner', '=', owner);
  return {
    find: async (owner, { generation, number }, twice) =>
      fromOptional(
        'devices',
        await of(owner)
          .where('generation', '=', generation)
          .where('number', '=', number)
          .where('twice', '=', Number(twice))
          .executeTakeFirst(),
      ),
    behind: async (owner, after, limit) => {
      const all = of(owner).where('twice', '=', NO);
      const rows = await (after === null ? all : all.where(isBehind(after)))
        .orderBy('generation')
        .orderBy('number')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('devices', row));
    },
    twice: async (owner, limit) => {
      const rows = await of(owner)
        .where('twice', '=', YES)
        .orderBy('generation', 'desc')
        .orderBy('number', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('devices', row));
    },
  };
}

export function deviceWriter(writing: Writing): Transaction['devices'] {
  return {
    ...deviceReader(writing),
    insert: (row) => insertRow(writing, 'devices', row),
    removeBefore: async (owner, generation) => {
      const removed = await writing.queries
        .deleteFrom('devices')
        .where('owner', '=', owner)
        .where('generation', '<', generation)
        .where('twice', '=', NO)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}
