import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { DevicesPlace, KeyDeviceReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

const NO = sql.lit(0);

const isBehind = ({ generation, number }: DevicesPlace) =>
  sql<boolean>`(generation, number) > (${generation}, ${number})`;

export function keyDeviceReader({ queries }: Reading): KeyDeviceReader {
  const of = (owner: Uint8Array, keyId: Uint8Array) =>
    queries.selectFrom('key_devices').selectAll().where('owner', '=', owner).where('key_id', '=', keyId);
  return {
    find: async (owner, keyId, { generation, number }, twice) =>
      fromOptional(
        'key_devices',
        await of(owner, keyId)
          .where('generation', '=', generation)
          .where('number', '=', number)
          .where('twice', '=', Number(twice))
          .executeTakeFirst(),
      ),
    last: async (owner, keyId) =>
      fromOptional(
        'key_devices',
        await of(owner, keyId)
          .where('twice', '=', NO)
          .orderBy('generation', 'desc')
          .orderBy('number', 'desc')
          .limit(1)
          .executeTakeFirst(),
      ),
    behind: async (owner, keyId, after, limit) => {
      const all = of(owner, keyId).where('twice', '=', NO);
      const rows = await (after === null ? all : all.where(isBehind(after)))
        .orderBy('generation')
        .orderBy('number')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('key_devices', row));
    },
  };
}

export function keyDeviceWriter(writing: Writing): Transaction['keyDevices'] {
  return {
    ...keyDeviceReader(writing),
    insert: (row) => insertRow(writing, 'key_devices', row),
    removeBefore: async (owner, keyId, generation) => {
      const removed = await writing.queries
        .deleteFrom('key_devices')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('generation', '<', generation)
        .where('twice', '=', NO)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}
