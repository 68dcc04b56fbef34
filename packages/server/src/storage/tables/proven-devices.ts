import { fromColumns } from '../database.js';
import type { ProvenDeviceReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { insertRow, type Writing } from './writing.js';

export function provenDeviceReader({ queries }: Reading): ProvenDeviceReader {
  return {
    of: async (owner, keyId) => {
      const rows = await queries
        .selectFrom('proven_devices')
        .selectAll()
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .orderBy('id')
        .execute();
      return rows.map((row) => fromColumns('proven_devices', row));
    },
  };
}

export function provenDeviceWriter(writing: Writing): Transaction['provenDevices'] {
  return {
    ...provenDeviceReader(writing),
    insert: (row) => insertRow(writing, 'proven_devices', row),
    remove: async (owner, keyId, id) => {
      await writing.queries
        .deleteFrom('proven_devices')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('id', '=', id)
        .execute();
    },
  };
}
