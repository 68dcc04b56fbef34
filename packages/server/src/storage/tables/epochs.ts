import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { KeyEpochReader, ShareReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { insertRow, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';
import { updateRow } from './updating.js';

type Table = 'key_epochs' | 'shares';

const finders = {
  key_epochs: prepared((queries, owner: Uint8Array, keyId: Uint8Array, epoch: number) =>
    queries
      .selectFrom('key_epochs')
      .selectAll()
      .where('owner', '=', owner)
      .where('key_id', '=', keyId)
      .where('epoch', '=', epoch),
  ),
  shares: prepared((queries, owner: Uint8Array, keyId: Uint8Array, epoch: number) =>
    queries
      .selectFrom('shares')
      .selectAll()
      .where('owner', '=', owner)
      .where('key_id', '=', keyId)
      .where('epoch', '=', epoch),
  ),
};

export function epochReader(reading: Reading): KeyEpochReader {
  return {
    find: async (owner, keyId, epoch) =>
      fromOptional('key_epochs', (await finders.key_epochs(reading, owner, keyId, epoch)).rows[0]),
  };
}

export function shareReader(reading: Reading): ShareReader {
  return {
    find: async (owner, keyId, epoch) =>
      fromOptional('shares', (await finders.shares(reading, owner, keyId, epoch)).rows[0]),
    listAll: async (after, limit) => {
      const inOrder = reading.queries
        .selectFrom('shares')
        .selectAll()
        .orderBy('owner')
        .orderBy('key_id')
        .orderBy('epoch')
        .limit(limit);
      const behind =
        after === null
          ? inOrder
          : inOrder.where(
              sql<boolean>`(owner, key_id, epoch) > (${after.owner}, ${after.keyId}, ${after.epoch})`,
            );
      return (await behind.execute()).map((row) => fromColumns('shares', row));
    },
  };
}

export function epochWriter(writing: Writing): Transaction['epochs'] {
  return { ...epochReader(writing), ...writerOf(writing, 'key_epochs') };
}

export function shareWriter(writing: Writing): Transaction['shares'] {
  return { ...shareReader(writing), ...writerOf(writing, 'shares') };
}

/** Both tables have the same columns, and are written in the same way. */
function writerOf(writing: Writing, table: Table): Pick<Transaction['epochs'], 'put' | 'remove'> {
  const { queries } = writing;
  return {
    put: (row) => (row.version === 1 ? insertRow(writing, table, row) : updateRow(writing, table, row)),
    remove: async (owner, keyId, epoch) => {
      const removed = await queries
        .deleteFrom(table)
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('epoch', '=', epoch)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}

/** Takes all epochs and shares of a key off what its owner occupies; they go with the key. */
export async function forgetEpochUsage(
  writing: Writing,
  owner: Uint8Array,
  keyId: Uint8Array,
): Promise<void> {
  for (const table of ['key_epochs', 'shares'] as const) {
    const going = writing.queries.selectFrom(table).select(SEALED_LENGTH);
    takeUsage(writing, owner, await going.where('owner', '=', owner).where('key_id', '=', keyId).execute());
  }
}
