import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { LifeReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, type Writing } from './writing.js';

export function lifeReader({ queries }: Reading): LifeReader {
  const all = () => queries.selectFrom('life').selectAll();
  return {
    find: async (owner, keyId) =>
      fromOptional(
        'life',
        await all().where('owner', '=', owner).where('key_id', '=', keyId).executeTakeFirst(),
      ),
    listAll: async (after, limit) => {
      const place = sql<boolean>`(owner, key_id) > (${after?.owner}, ${after?.keyId})`;
      const behind = after === null ? all() : all().where(place);
      const rows = await behind.orderBy('owner').orderBy('key_id').limit(limit).execute();
      return rows.map((row) => fromColumns('life', row));
    },
  };
}

export function lifeWriter(writing: Writing): Transaction['life'] {
  return {
    ...lifeReader(writing),
    put: (row) => (row.version === 1 ? insertRow(writing, 'life', row) : updateRow(writing, 'life', row)),
  };
}
