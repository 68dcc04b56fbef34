import { sql } from 'kysely';
import { fromOptional } from '../database.js';
import type { ShownEpochReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { countUsage, insertNew, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';

const findShown = prepared((queries, owner: Uint8Array, keyId: Uint8Array, epoch: number, name: Uint8Array) =>
  queries
    .selectFrom('shown_epochs')
    .selectAll()
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .where('epoch', '=', epoch)
    .where('name', '=', name),
);
const findNewest = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  queries
    .selectFrom('shown_epochs')
    .select('epoch')
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .orderBy('epoch', 'desc')
    .limit(1),
);

/** All that is removed of a key is removed with the first of it. Nothing is stored before that, but by who makes another key of the same id on purpose. */
const holdFirst = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  queries
    .selectFrom('shown_epochs')
    .select('epoch')
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .orderBy('epoch')
    .orderBy('name')
    .limit(1)
    .forUpdate(),
);

export function shownEpochReader(reading: Reading): ShownEpochReader {
  return {
    find: async (owner, keyId, epoch, name) =>
      fromOptional('shown_epochs', (await findShown(reading, owner, keyId, epoch, name)).rows[0]),
    newest: async (owner, keyId) => (await findNewest(reading, owner, keyId)).rows[0]?.epoch ?? null,
    ofNextKey: async (after) => {
      const all = reading.queries.selectFrom('shown_epochs').selectAll();
      const behind =
        after === null ? all : all.where(sql<boolean>`(owner, key_id) > (${after.owner}, ${after.keyId})`);
      const inOrder = behind.orderBy('owner').orderBy('key_id').orderBy('epoch').orderBy('name');
      return fromOptional('shown_epochs', await inOrder.limit(1).executeTakeFirst());
    },
  };
}

export function shownEpochWriter(writing: Writing): Transaction['shownEpochs'] {
  return {
    ...shownEpochReader(writing),
    insert: async (row) => {
      const isNew = await insertNew(writing, 'shown_epochs', row);
      if (isNew) countUsage(writing, 'shown_epochs', row);
      return isNew;
    },
    // On SQLite one transaction is open at a time.
    hold: async (owner, keyId) => {
      if (writing.kind === 'postgres') await holdFirst(writing, owner, keyId);
    },
    removeAll: async (owner, keyId) => {
      const removed = await writing.queries
        .deleteFrom('shown_epochs')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .returning(SEALED_LENGTH)
        .execute();
      takeUsage(writing, owner, removed);
    },
  };
}
