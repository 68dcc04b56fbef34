import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { ChangeReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

const findChange = prepared((queries, owner: Uint8Array, keyId: Uint8Array, epoch: number) =>
  queries
    .selectFrom('changes')
    .selectAll()
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .where('epoch', '=', epoch),
);

export function changeReader(reading: Reading): ChangeReader {
  return {
    find: async (owner, keyId, epoch) =>
      fromOptional('changes', (await findChange(reading, owner, keyId, epoch)).rows[0]),
    countWaiting: async () => {
      const { count } = await reading.queries
        .selectFrom('changes')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('waiting', '=', sql.lit(1))
        .executeTakeFirstOrThrow();
      return count;
    },
    listWaiting: async (after, limit) => {
      const all = reading.queries.selectFrom('changes').selectAll().where('waiting', '=', sql.lit(1));
      const inOrder = all.orderBy('owner').orderBy('key_id').orderBy('epoch').limit(limit);
      const behind =
        after === null
          ? inOrder
          : inOrder.where(
              sql<boolean>`(owner, key_id, epoch) > (${after.owner}, ${after.keyId}, ${after.epoch})`,
            );
      return (await behind.execute()).map((row) => fromColumns('changes', row));
    },
    listWaitingOf: async (owner, lowest, highest) => {
      const rows = await reading.queries
        .selectFrom('changes')
        .innerJoin('keys', (join) =>
          join
            .onRef('keys.owner', '=', 'changes.owner')
            .onRef('keys.key_id', '=', 'changes.key_id')
            .onRef('keys.epoch', '>=', 'changes.epoch'),
        )
        .selectAll('changes')
        .where('changes.waiting', '=', sql.lit(1))
        .where('changes.owner', '=', owner)
        .where('changes.key_id', '>=', lowest)
        .where('changes.key_id', '<=', highest)
        .execute();
      return rows.map((row) => fromColumns('changes', row));
    },
    listOf: async (owner, keyId) => {
      const rows = await reading.queries
        .selectFrom('changes')
        .selectAll()
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .orderBy('epoch')
        .execute();
      return rows.map((row) => fromColumns('changes', row));
    },
  };
}

export function changeWriter(writing: Writing): Transaction['changes'] {
  return {
    ...changeReader(writing),
    put: (row) =>
      row.version === 1 ? insertRow(writing, 'changes', row) : updateRow(writing, 'changes', row),
    remove: async (owner, keyId, epoch) => {
      const removed = await writing.queries
        .deleteFrom('changes')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('epoch', '=', epoch)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}
