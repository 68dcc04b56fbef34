import { sql } from 'kysely';
import { fromOptional } from '../database.js';
import type { MessageReader, MetaReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import type { Writing } from './writing.js';

const findMessage = prepared((queries, xid: Uint8Array, id: Uint8Array) =>
  queries.selectFrom('seen_messages').select('expires_at').where('xid', '=', xid).where('id', '=', id),
);

export function messageReader(reading: Reading): MessageReader {
  return {
    seen: async (xid, id) => (await findMessage(reading, xid, id)).rows.length > 0,
    list: async (after, limit) => {
      const behind = after === null ? sql`` : sql`where (xid, id) > (${after.xid}, ${after.id})`;
      const { rows } = await sql<SeenColumns>`
        select xid, id, expires_at from seen_messages ${behind} order by xid, id limit ${limit}`.execute(
        reading.queries,
      );
      return rows.map(({ xid, id, expires_at: expiresAt }) => ({
        xid: new Uint8Array(xid),
        id: new Uint8Array(id),
        expiresAt,
      }));
    },
  };
}

interface SeenColumns {
  readonly xid: Uint8Array;
  readonly id: Uint8Array;
  readonly expires_at: number;
}

const recordMessage = prepared((queries, xid: Uint8Array, id: Uint8Array, expiresAt: number) =>
  queries
    .insertInto('seen_messages')
    .values({ xid, id, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing()),
);

export function messageWriter(writing: Writing): Transaction['messages'] {
  const { queries } = writing;
  return {
    ...messageReader(writing),
    record: async (xid, id, expiresAt) => (await recordMessage(writing, xid, id, expiresAt)).changed === 1,
    forgetExpired: async (now) => {
      const { numDeletedRows } = await queries
        .deleteFrom('seen_messages')
        .where('expires_at', '<', now)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
    insertAll: async (messages) => {
      const values = messages.map(({ xid, id, expiresAt }) => ({ xid, id, expires_at: expiresAt }));
      if (values.length > 0) await queries.insertInto('seen_messages').values(values).execute();
    },
  };
}

export function metaReader({ queries }: Reading): MetaReader {
  return {
    find: async (name) =>
      fromOptional(
        'meta',
        await queries.selectFrom('meta').selectAll().where('name', '=', name).executeTakeFirst(),
      ),
  };
}

export function metaWriter(writing: Writing): Transaction['meta'] {
  return {
    ...metaReader(writing),
    put: async ({ name, sealed }) => {
      await writing.queries
        .insertInto('meta')
        .values({ name, sealed })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ sealed }))
        .execute();
    },
  };
}
