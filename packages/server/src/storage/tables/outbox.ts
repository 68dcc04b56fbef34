import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { OutboxReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertRow, type Writing } from './writing.js';

export function outboxReader({ queries }: Reading): OutboxReader {
  const all = () => queries.selectFrom('outbox').selectAll();
  const ofWay = (way: string) => all().where('way', '=', way).where('state', '=', 'waiting');
  return {
    find: async (owner, id) =>
      fromOptional('outbox', await all().where('owner', '=', owner).where('id', '=', id).executeTakeFirst()),
    due: async (way, now, latest, limit) => {
      const inOrder = (rows: ReturnType<typeof ofWay>) => rows.orderBy('due_at').limit(limit).execute();
      const rows = await inOrder(ofWay(way).where('due_at', '<=', now));
      const astray = await inOrder(ofWay(way).where('due_at', '>', latest));
      return [...rows, ...astray].slice(0, limit).map((row) => fromColumns('outbox', row));
    },
    lastSent: async (way) => {
      const sent = queries.selectFrom('outbox').select('due_at').where('way', '=', way);
      const row = await sent
        .where('state', '=', 'sent')
        .orderBy('due_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.due_at ?? null;
    },
    countWaiting: async (owner, way, limit) => {
      const some = queries.selectFrom('outbox').select('way').where('owner', '=', owner);
      const rows = await some.where('way', '=', way).where('state', '=', 'waiting').limit(limit).execute();
      return rows.length;
    },
    countAll: async (state) => {
      const { count } = await queries
        .selectFrom('outbox')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('state', '=', state)
        .executeTakeFirstOrThrow();
      return count;
    },
    oldestWaiting: async () => {
      const { oldest } = await queries
        .selectFrom('outbox')
        .select(({ fn }) => fn.min<number | null>('created_at').as('oldest'))
        .where('state', '=', 'waiting')
        .executeTakeFirstOrThrow();
      return oldest;
    },
    list: async (after, limit) => {
      const place = sql<boolean>`(owner, id) > (${after?.owner}, ${after?.id})`;
      const behind = after === null ? all() : all().where(place);
      const rows = await behind.orderBy('owner').orderBy('id').limit(limit).execute();
      return rows.map((row) => fromColumns('outbox', row));
    },
  };
}

export function outboxWriter(writing: Writing): Transaction['outbox'] {
  return {
    ...outboxReader(writing),
    insert: (row) => insertRow(writing, 'outbox', row),
    update: (row) => updateRow(writing, 'outbox', row),
    remove: async (owner, id) => {
      await writing.queries.deleteFrom('outbox').where('owner', '=', owner).where('id', '=', id).execute();
    },
    forget: async (before) => {
      let count = 0n;
      for (const state of ['waiting', 'sent', 'failed'] as const) {
        const { numDeletedRows } = await writing.queries
          .deleteFrom('outbox')
          .where('state', '=', state)
          .where('due_at', '<', before)
          .executeTakeFirst();
        count += numDeletedRows;
      }
      return Number(count);
    },
  };
}
