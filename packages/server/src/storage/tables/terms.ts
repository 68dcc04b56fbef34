import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { TermsReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, type Writing } from './writing.js';

export function termsReader({ queries }: Reading): TermsReader {
  const all = () => queries.selectFrom('terms').selectAll();
  const of = (owner: Uint8Array, keyId: Uint8Array) =>
    all().where('owner', '=', owner).where('key_id', '=', keyId);
  return {
    find: async (owner, keyId, number, twice) =>
      fromOptional(
        'terms',
        await of(owner, keyId)
          .where('number', '=', number)
          .where('twice', '=', Number(twice))
          .executeTakeFirst(),
      ),
    twice: async (owner, keyId) => {
      const found = of(owner, keyId).where('twice', '=', sql.lit(1)).orderBy('number', 'desc');
      return fromOptional('terms', await found.limit(1).executeTakeFirst());
    },
    listWaiting: async (after, limit) => {
      const inOrder = all().where('waiting', '=', sql.lit(1)).orderBy('owner').orderBy('key_id');
      const place = sql<boolean>`(owner, key_id, number) > (${after?.owner}, ${after?.keyId}, ${after?.number})`;
      const behind = after === null ? inOrder : inOrder.where(place);
      const rows = await behind.orderBy('number').limit(limit).execute();
      return rows.map((row) => fromColumns('terms', row));
    },
  };
}

export function termsWriter(writing: Writing): Transaction['terms'] {
  return {
    ...termsReader(writing),
    put: (row) => (row.version === 1 ? insertRow(writing, 'terms', row) : updateRow(writing, 'terms', row)),
  };
}
