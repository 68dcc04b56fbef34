import { encodeHex } from '@ckm/foundation';
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import { fromColumns, toColumns } from '../database.js';
import type { NonceReader, NonceRow, Transaction } from '../storage.js';
import type { Reading, Writing } from './writing.js';

/** The first eight bytes of an instance's name, as the two halves of an advisory lock. */
const HALVES = [0, 4].map(
  (at) =>
    sql<number>`(get_byte(nonces.instance, ${sql.lit(at)})::bigint << 24) + (get_byte(nonces.instance, ${sql.lit(at + 1)}) << 16)
      + (get_byte(nonces.instance, ${sql.lit(at + 2)}) << 8) + get_byte(nonces.instance, ${sql.lit(at + 3)})`,
);

/**
 * Whether the instance that made a row is alive. PostgreSQL: it holds its advisory lock on *this* server, which neither
 * a restored dump nor a promoted replica does. SQLite has one instance at a time: this one.
 */
function lives({ kind, instance }: Reading): RawBuilder<SqlBool> {
  if (kind === 'sqlite') return sql<SqlBool>`nonces.instance = ${instance()}`;
  return sql<SqlBool>`exists (
    select 1 from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and classid::bigint = ${HALVES[0]!} and objid::bigint = ${HALVES[1]!})`;
}

export function nonceReader(reading: Reading): NonceReader {
  return {
    count: async (owner, keyId) => {
      const { count } = await reading.queries
        .selectFrom('nonces')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where(lives(reading))
        .executeTakeFirstOrThrow();
      return count;
    },
  };
}

export function nonceWriter(writing: Writing): Transaction['nonces'] {
  const { queries } = writing;
  return {
    ...nonceReader(writing),
    insert: async (rows) => {
      if (rows.length === 0) return;
      await queries
        .insertInto('nonces')
        .values(rows.map((row) => toColumns('nonces', row)))
        .execute();
    },
    take: async (owner, keyId, nonceIds) => {
      const taken = await queries
        .deleteFrom('nonces')
        .where('owner', '=', owner)
        .where('key_id', '=', keyId)
        .where('nonce_id', 'in', nonceIds as Uint8Array[])
        .where(lives(writing))
        .returningAll()
        .execute();
      return inOrder(
        taken.map((row) => fromColumns('nonces', row)),
        nonceIds,
      );
    },
    removeAll: async (owner, keyId) => {
      await queries.deleteFrom('nonces').where('owner', '=', owner).where('key_id', '=', keyId).execute();
    },
  };
}

function inOrder(rows: readonly NonceRow[], nonceIds: readonly Uint8Array[]): readonly NonceRow[] | null {
  const found = new Map(rows.map((row) => [encodeHex(row.nonceId), row]));
  const ordered = nonceIds.map((nonceId) => found.get(encodeHex(nonceId)));
  const distinct = new Set(nonceIds.map(encodeHex)).size === nonceIds.length;
  return distinct && ordered.every((row) => row !== undefined) ? ordered : null;
}

/** Deletes the rows of instances that no longer live. */
export async function forgetDeadNonces(reading: Reading): Promise<number> {
  const { numDeletedRows } = await reading.queries
    .deleteFrom('nonces')
    .where(({ not }) => not(lives(reading)))
    .executeTakeFirst();
  return Number(numDeletedRows);
}
