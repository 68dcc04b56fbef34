import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { sql } from 'kysely';
import { missingStorage, storageError } from '../codes.js';
import { columnName, COLUMNS, type Queries } from '../database.js';
import { tables } from './0001-tables.js';
import { changes } from './0002-changes.js';
import { shownEpochs } from './0003-shown-epochs.js';
import { devices } from './0004-devices.js';
import { youngDevices } from './0005-young-devices.js';
import { outbox } from './0006-outbox.js';
import { deposits } from './0007-deposits.js';
import { terms } from './0008-terms.js';
import { keyDevices } from './0009-key-devices.js';
import { votes } from './0010-votes.js';
import { waysBack } from './0011-ways-back.js';
import { life } from './0012-life.js';
import { totals } from './0013-totals.js';
import { deviceBands } from './0014-device-bands.js';
import { provenDevices } from './0015-proven-devices.js';
import { matterPayloads } from './0016-matter-payloads.js';
import { DIALECTS, type Dialect, type Migration } from './migration.js';

/** All steps, in order: 1, 2, 3, … */
export const MIGRATIONS: readonly Migration[] = [
  tables,
  changes,
  shownEpochs,
  devices,
  youngDevices,
  outbox,
  deposits,
  terms,
  keyDevices,
  votes,
  waysBack,
  life,
  totals,
  deviceBands,
  provenDevices,
  matterPayloads,
];

interface Applied {
  readonly number: number;
  readonly checksum: string;
}

/** What is compared at every start: a hash of the statements. */
export function checksum(migration: Migration, dialect: Dialect): string {
  return encodeHex(sha256(encodeUtf8(migration.statements(dialect).join(';\n'))));
}

/**
 * Brings the schema up to date inside the caller's transaction, then checks that every column is there.
 * @throws StorageError `STORAGE_MISSING` when it is to be there and is not; `STORAGE_SCHEMA_NEWER` when a newer program wrote this database; `STORAGE_SCHEMA_WRONG` when a step
 * is not the one that was applied, or a column is missing.
 */
export async function migrate(
  queries: Queries,
  kind: Dialect['kind'],
  {
    mustExist = false,
    migrations = MIGRATIONS,
  }: { readonly mustExist?: boolean; readonly migrations?: readonly Migration[] } = {},
): Promise<void> {
  const dialect = DIALECTS[kind];
  if (mustExist) await assertMigrated(queries);
  await sql`create table if not exists migrations (
    number integer not null primary key, name text not null, checksum text not null)`.execute(queries);
  const { rows } = await sql<Applied>`select number, checksum from migrations order by number`.execute(
    queries,
  );
  for (const { number, checksum: applied } of rows) {
    const known = migrations.find((migration) => migration.number === number);
    if (known === undefined) throw newer();
    if (checksum(known, dialect) !== applied) throw wrong(`step ${number} differs from the one applied`);
  }
  for (const migration of migrations.slice(rows.length)) {
    for (const statement of migration.statements(dialect)) await sql.raw(statement).execute(queries);
    await sql`insert into migrations (number, name, checksum)
      values (${migration.number}, ${migration.name}, ${checksum(migration, dialect)})`.execute(queries);
  }
  await checkColumns(queries);
}

/** PostgreSQL's code of a table that is not there. */
const UNDEFINED_TABLE = '42P01';

async function assertMigrated(queries: Queries): Promise<void> {
  try {
    await sql`select number from migrations limit 0`.execute(queries);
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string };
    if (code === UNDEFINED_TABLE || message.startsWith('no such table')) {
      throw missingStorage('there is nothing in the database, not even its tables', error);
    }
    throw error;
  }
}

async function checkColumns(queries: Queries): Promise<void> {
  for (const [table, properties] of Object.entries(COLUMNS)) {
    const columns = properties.map((property) => sql.ref(columnName(property)));
    try {
      await sql`select ${sql.join(columns)} from ${sql.table(table)} limit 0`.execute(queries);
    } catch (cause) {
      throw wrong(`table ${table} lacks a column`, cause);
    }
  }
}

function newer() {
  return storageError(
    'STORAGE_SCHEMA_NEWER',
    'the database was written by a newer version of this server',
    'start the newer version, or restore a backup of the older one',
  );
}

function wrong(why: string, cause?: unknown) {
  return storageError(
    'STORAGE_SCHEMA_WRONG',
    `the database does not have the form it should have: ${why}`,
    'restore the database from a backup',
    { cause },
  );
}
