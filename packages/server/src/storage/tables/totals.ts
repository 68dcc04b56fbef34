import { fromOptional } from '../database.js';
import type { TotalReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

const lastOf = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  queries
    .selectFrom('totals')
    .selectAll()
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .orderBy('number', 'desc')
    .limit(1),
);

const lastBy = prepared((queries, owner: Uint8Array, keyId: Uint8Array, at: number) =>
  queries
    .selectFrom('totals')
    .selectAll()
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .where('at', '<=', at)
    .orderBy('at', 'desc')
    .orderBy('number', 'desc')
    .limit(1),
);

export function totalReader(reading: Reading): TotalReader {
  const { queries } = reading;
  return {
    find: async (owner, keyId, number) => {
      const of = queries.selectFrom('totals').selectAll().where('owner', '=', owner);
      const found = of.where('key_id', '=', keyId).where('number', '=', number);
      return fromOptional('totals', await found.executeTakeFirst());
    },
    last: async (owner, keyId) => fromOptional('totals', (await lastOf(reading, owner, keyId)).rows[0]),
    lastBy: async (owner, keyId, at) =>
      fromOptional('totals', (await lastBy(reading, owner, keyId, at)).rows[0]),
  };
}

export function totalWriter(writing: Writing): Transaction['totals'] {
  return {
    ...totalReader(writing),
    insert: (row) => insertRow(writing, 'totals', row),
    removeBefore: async (owner, keyId, number) => {
      const removed = await writing.queries
        .deleteFrom('totals')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('number', '<', number)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}
