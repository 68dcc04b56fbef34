import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { KeyReader, TighteningReader, TighteningRow, Transaction } from '../storage.js';
import { forgetEpochUsage } from './epochs.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { addUsage, insertRow, SEALED_LENGTH, type Writing } from './writing.js';
import { updateRow } from './updating.js';

const findKey = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  queries.selectFrom('keys').selectAll().where('owner', '=', owner).where('key_id', '=', keyId),
);
const holdKey = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  // "no key update" lets rows that refer to this key be inserted meanwhile.
  queries
    .selectFrom('keys')
    .selectAll()
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .forNoKeyUpdate(),
);
const findTightening = prepared((queries, owner: Uint8Array, keyId: Uint8Array) =>
  queries.selectFrom('tightenings').selectAll().where('owner', '=', owner).where('key_id', '=', keyId),
);

export function keyReader(reading: Reading): KeyReader {
  const { queries } = reading;
  const all = () => queries.selectFrom('keys').selectAll();
  const countOf = (owner: Uint8Array) =>
    queries
      .selectFrom('keys')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('owner', '=', owner);
  return {
    find: async (owner, keyId) => fromOptional('keys', (await findKey(reading, owner, keyId)).rows[0]),
    withId: async (keyId) => {
      const rows = await all().where('key_id', '=', keyId).orderBy('owner').execute();
      return rows.map((row) => fromColumns('keys', row));
    },
    list: async (owner, { after, limit }) => {
      const owned = all().where('owner', '=', owner).orderBy('key_id').limit(limit);
      const rows = await (after === null ? owned : owned.where('key_id', '>', after)).execute();
      return rows.map((row) => fromColumns('keys', row));
    },
    count: async (owner) => (await countOf(owner).executeTakeFirstOrThrow()).count,
    countAll: async () => {
      const counted = queries.selectFrom('keys').select(({ fn }) => fn.countAll<number>().as('count'));
      return (await counted.executeTakeFirstOrThrow()).count;
    },
    countInUse: async (owner) => {
      const coming = await queries
        .selectFrom('sessions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('owner', '=', owner)
        .where('open', '=', sql.lit(1))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('keys')
                .select('keys.key_id')
                .whereRef('keys.owner', '=', 'sessions.owner')
                .whereRef('keys.key_id', '=', 'sessions.key_id')
                .where('keys.state', '=', 'active'),
            ),
          ),
        )
        .executeTakeFirstOrThrow();
      const active = await countOf(owner).where('state', '=', 'active').executeTakeFirstOrThrow();
      return active.count + coming.count;
    },
    withIdBetween: async (lowest, highest, limit) => {
      const found = all().where('key_id', '>=', lowest).where('key_id', '<=', highest);
      const rows = await found.orderBy('key_id').orderBy('owner').limit(limit).execute();
      return rows.map((row) => fromColumns('keys', row));
    },
    listAll: async (after, limit) => {
      const inOrder = all().orderBy('owner').orderBy('key_id').limit(limit);
      const rows = await (after === null ? inOrder : inOrder.where(isBehind(after))).execute();
      return rows.map((row) => fromColumns('keys', row));
    },
  };
}

function isBehind({ owner, keyId }: Pick<TighteningRow, 'owner' | 'keyId'>) {
  return sql<boolean>`(owner, key_id) > (${owner}, ${keyId})`;
}

export function keyWriter(writing: Writing): Transaction['keys'] {
  const { queries } = writing;
  const named = (owner: Uint8Array, keyId: Uint8Array) =>
    queries.selectFrom('keys').where('owner', '=', owner).where('key_id', '=', keyId);
  const bytesOf = async (owner: Uint8Array, keyId: Uint8Array) => {
    return (await named(owner, keyId).select(SEALED_LENGTH).executeTakeFirst())?.bytes ?? 0;
  };
  return {
    ...keyReader(writing),
    hold: async (owner, keyId) => {
      const held = writing.kind === 'postgres' ? holdKey : findKey;
      return fromOptional('keys', (await held(writing, owner, keyId)).rows[0]);
    },
    insert: (row) => insertRow(writing, 'keys', row),
    update: (row) => updateRow(writing, 'keys', row),
    remove: async (owner, keyId) => {
      addUsage(writing, owner, -(await bytesOf(owner, keyId)));
      await forgetEpochUsage(writing, owner, keyId);
      await queries.deleteFrom('keys').where('owner', '=', owner).where('key_id', '=', keyId).execute();
    },
  };
}

export function tighteningReader(reading: Reading): TighteningReader {
  return {
    find: async (owner, keyId) =>
      fromOptional('tightenings', (await findTightening(reading, owner, keyId)).rows[0]),
    listAll: async (after, limit) => {
      const all = reading.queries.selectFrom('tightenings').selectAll();
      const inOrder = all.orderBy('owner').orderBy('key_id').limit(limit);
      const rows = await (after === null ? inOrder : inOrder.where(isBehind(after))).execute();
      return rows.map((row) => fromColumns('tightenings', row));
    },
  };
}

export function tighteningWriter(writing: Writing): Transaction['tightenings'] {
  return {
    ...tighteningReader(writing),
    put: (row) =>
      row.version === 1 ? insertRow(writing, 'tightenings', row) : updateRow(writing, 'tightenings', row),
  };
}
