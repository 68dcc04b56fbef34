import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { ContactReader, RecoveryReader, RecoveryTriesReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, type Writing } from './writing.js';

export function contactReader({ queries }: Reading): ContactReader {
  const all = () => queries.selectFrom('contacts').selectAll();
  return {
    of: async (owner, limit) => {
      const rows = await all().where('owner', '=', owner).orderBy('id').limit(limit).execute();
      return rows.map((row) => fromColumns('contacts', row));
    },
    withHandle: async (handle, limit) => {
      const found = all().where('handle', '=', handle).orderBy('owner').orderBy('id').limit(limit);
      return (await found.execute()).map((row) => fromColumns('contacts', row));
    },
    listAll: async (after, limit) => {
      const place = sql<boolean>`(owner, id) > (${after?.owner}, ${after?.id})`;
      const behind = after === null ? all() : all().where(place);
      const rows = await behind.orderBy('owner').orderBy('id').limit(limit).execute();
      return rows.map((row) => fromColumns('contacts', row));
    },
  };
}

export function contactWriter(writing: Writing): Transaction['contacts'] {
  return {
    ...contactReader(writing),
    insert: (row) => insertRow(writing, 'contacts', row),
    update: (row) => updateRow(writing, 'contacts', row),
    remove: async (owner, id) => {
      await writing.queries.deleteFrom('contacts').where('owner', '=', owner).where('id', '=', id).execute();
    },
  };
}

export function recoveryReader({ queries }: Reading): RecoveryReader {
  const all = () => queries.selectFrom('recoveries').selectAll();
  return {
    find: async (id) => fromOptional('recoveries', await all().where('id', '=', id).executeTakeFirst()),
    of: async (owner, state, limit) => {
      const found = all().where('owner', '=', owner).where('state', '=', state).orderBy('id').limit(limit);
      return (await found.execute()).map((row) => fromColumns('recoveries', row));
    },
    listAll: async (after, limit) => {
      const behind = after === null ? all() : all().where('id', '>', after);
      const rows = await behind.orderBy('id').limit(limit).execute();
      return rows.map((row) => fromColumns('recoveries', row));
    },
  };
}

export function recoveryWriter(writing: Writing): Transaction['recoveries'] {
  return {
    ...recoveryReader(writing),
    insert: (row) => insertRow(writing, 'recoveries', row),
    update: (row) => updateRow(writing, 'recoveries', row),
    remove: async (id) => {
      await writing.queries.deleteFrom('recoveries').where('id', '=', id).execute();
    },
  };
}

export function recoveryTriesReader({ queries }: Reading): RecoveryTriesReader {
  return {
    find: async (handle) =>
      fromOptional(
        'recovery_tries',
        await queries
          .selectFrom('recovery_tries')
          .selectAll()
          .where('handle', '=', handle)
          .executeTakeFirst(),
      ),
  };
}

export function recoveryTriesWriter(writing: Writing): Transaction['recoveryTries'] {
  return {
    ...recoveryTriesReader(writing),
    insert: (row) => insertRow(writing, 'recovery_tries', row),
    update: (row) => updateRow(writing, 'recovery_tries', row),
    forget: async (before) => {
      await writing.queries.deleteFrom('recovery_tries').where('until', '<', before).execute();
    },
  };
}
