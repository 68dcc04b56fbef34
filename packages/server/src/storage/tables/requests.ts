import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { AttemptReader, RequestReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { insertRow, isBehind, SEALED_LENGTH, takeUsage, type Writing } from './writing.js';
import { updateRow } from './updating.js';

// A literal, not a parameter: only then can the databases use the partial indexes.
const YES = sql.lit(1);
const NO = sql.lit(0);

const findRequest = prepared((queries, owner: Uint8Array, requestId: Uint8Array) =>
  queries.selectFrom('requests').selectAll().where('owner', '=', owner).where('request_id', '=', requestId),
);
const findAttempt = prepared((queries, owner: Uint8Array, requestId: Uint8Array, number: number) =>
  queries
    .selectFrom('attempts')
    .selectAll()
    .where('owner', '=', owner)
    .where('request_id', '=', requestId)
    .where('number', '=', number),
);
const countWaiting = prepared((queries, owner: Uint8Array) =>
  queries
    .selectFrom('requests')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('owner', '=', owner)
    .where('waiting', '=', YES),
);
const countForKey = prepared(
  (queries, owner: Uint8Array, keyId: Uint8Array, since: number, limit: number) => {
    const recent = queries
      .selectFrom('requests')
      .select(sql`1`.as('one'))
      .where('owner', '=', owner)
      .where('key_id', '=', keyId)
      .where('created_at', '>', since)
      .limit(limit)
      .as('recent');
    return queries.selectFrom(recent).select(({ fn }) => fn.countAll<number>().as('count'));
  },
);
const usesOf = prepared((queries, owner: Uint8Array, keyId: Uint8Array, since: number, limit: number) =>
  queries
    .selectFrom('requests')
    .select([
      'created_at as createdAt',
      sql<number>`case when exists (select 1 from attempts
        where attempts.owner = requests.owner and attempts.request_id = requests.request_id)
        then 1 else 0 end`.as('attempted'),
    ])
    .where('owner', '=', owner)
    .where('key_id', '=', keyId)
    .where('created_at', '>', since)
    .orderBy('created_at')
    .limit(limit),
);

/**
 * Whether a request is one the operator can answer. The plus keeps the databases from walking by expiry, and sorting
 * everything that waits for each page.
 */
function isListed(now: number) {
  return sql<boolean>`waiting = 1 and +expires_at > ${now} and exists
    (select 1 from accounts where accounts.xid = requests.owner and accounts.status = 'active')`;
}

export function requestReader(reading: Reading): RequestReader {
  const { queries } = reading;
  const all = () => queries.selectFrom('requests').selectAll();
  const between = (lowest: Uint8Array, highest: Uint8Array, limit: number) =>
    all()
      .where('request_id', '>=', lowest)
      .where('request_id', '<=', highest)
      .orderBy('request_id')
      .orderBy('owner')
      .limit(limit);
  return {
    find: async (owner, requestId) =>
      fromOptional('requests', (await findRequest(reading, owner, requestId)).rows[0]),
    withId: async (requestId) => {
      const rows = await all().where('request_id', '=', requestId).orderBy('owner').execute();
      return rows.map((row) => fromColumns('requests', row));
    },
    listWaiting: async (now, after, limit) => {
      const waiting = all().where(isListed(now));
      const place = sql<boolean>`(created_at, request_id, owner) > (${after?.createdAt}, ${after?.requestId}, ${after?.owner})`;
      const behind = after === null ? waiting : waiting.where(place);
      const inOrder = behind.orderBy('created_at').orderBy('request_id').orderBy('owner').limit(limit);
      return (await inOrder.execute()).map((row) => fromColumns('requests', row));
    },
    countListed: async (now) => {
      const listed = queries.selectFrom('requests').where(isListed(now));
      const { count } = await listed
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return count;
    },
    withIdBetween: async (lowest, highest, limit) => {
      const rows = await between(lowest, highest, limit).execute();
      return rows.map((row) => fromColumns('requests', row));
    },
    waitingWithIdBetween: async (lowest, highest, now, limit) => {
      const rows = await between(lowest, highest, limit).where(isListed(now)).execute();
      return rows.map((row) => fromColumns('requests', row));
    },
    waitingOf: async (owner, until, limit) => {
      const own = all().where('owner', '=', owner).where('waiting', '=', YES);
      const rows = await own.where('created_at', '<=', until).limit(limit).execute();
      return rows.map((row) => fromColumns('requests', row));
    },
    countWaiting: async (owner) => (await countWaiting(reading, owner)).rows[0]!.count,
    countForKey: async (owner, keyId, since, limit) =>
      (await countForKey(reading, owner, keyId, since, limit)).rows[0]!.count,
    usesOf: async (owner, keyId, since, limit) => {
      const { rows } = await usesOf(reading, owner, keyId, since, limit);
      return rows.map(({ createdAt, attempted }) => ({ createdAt, isAttempted: attempted === 1 }));
    },
    ofKey: async (owner, keyId, limit) => {
      const own = all().where('owner', '=', owner).where('key_id', '=', keyId).orderBy('created_at');
      return (await own.limit(limit).execute()).map((row) => fromColumns('requests', row));
    },
    overdue: async (now, limit) => {
      const late = all().where('waiting', '=', YES).where('expires_at', '<=', now).orderBy('expires_at');
      return (await late.limit(limit).execute()).map((row) => fromColumns('requests', row));
    },
    over: async (until, after, limit) => {
      const ended = all().where('waiting', '=', NO).where('expires_at', '<=', until);
      const behind = after === null ? ended : ended.where(isBehind(after, 'request_id'));
      const inOrder = behind.orderBy('expires_at').orderBy('owner').orderBy('request_id').limit(limit);
      return (await inOrder.execute()).map((row) => fromColumns('requests', row));
    },
  };
}

export function requestWriter(writing: Writing): Transaction['requests'] {
  return {
    ...requestReader(writing),
    insert: (row) => insertRow(writing, 'requests', row),
    update: (row) => updateRow(writing, 'requests', row),
    remove: async (owner, requestId) => {
      for (const table of ['attempts', 'requests'] as const) {
        const named = writing.queries
          .deleteFrom(table)
          .where('owner', '=', owner)
          .where('request_id', '=', requestId);
        takeUsage(writing, owner, await named.returning(SEALED_LENGTH).execute());
      }
    },
  };
}

export function attemptReader(reading: Reading): AttemptReader {
  const { queries } = reading;
  return {
    find: async (owner, requestId, number) =>
      fromOptional('attempts', (await findAttempt(reading, owner, requestId, number)).rows[0]),
    list: async (owner, requestId) => {
      const rows = await queries
        .selectFrom('attempts')
        .selectAll()
        .where('owner', '=', owner)
        .where('request_id', '=', requestId)
        .orderBy('number')
        .execute();
      return rows.map((row) => fromColumns('attempts', row));
    },
  };
}

export function attemptWriter(writing: Writing): Transaction['attempts'] {
  return { ...attemptReader(writing), insert: (row) => insertRow(writing, 'attempts', row) };
}
