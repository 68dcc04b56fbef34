import { sql } from 'kysely';
import { fromColumns } from '../database.js';
import type { Transaction, YoungDeviceReader } from '../storage.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, type Writing } from './writing.js';

export function youngDeviceReader({ queries }: Reading): YoungDeviceReader {
  const all = () => queries.selectFrom('young_devices').selectAll();
  return {
    of: async (owner) => {
      const rows = await all().where('owner', '=', owner).orderBy('id').execute();
      return rows.map((row) => fromColumns('young_devices', row));
    },
    listAll: async (after, limit) => {
      const place = sql<boolean>`(owner, id) > (${after?.owner}, ${after?.id})`;
      const behind = after === null ? all() : all().where(place);
      const rows = await behind.orderBy('owner').orderBy('id').limit(limit).execute();
      return rows.map((row) => fromColumns('young_devices', row));
    },
  };
}

export function youngDeviceWriter(writing: Writing): Transaction['youngDevices'] {
  return {
    ...youngDeviceReader(writing),
    insert: (row) => insertRow(writing, 'young_devices', row),
    update: (row) => updateRow(writing, 'young_devices', row),
    remove: async (owner, id) => {
      await writing.queries
        .deleteFrom('young_devices')
        .where('owner', '=', owner)
        .where('id', '=', id)
        .execute();
    },
  };
}
