import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type { EvidenceReader, PacketReader, SessionReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import {
  addUsage,
  insertNew,
  insertRow,
  isBehind,
  SEALED_LENGTH,
  takeUsage,
  type Writing,
} from './writing.js';
import { updateRow } from './updating.js';

export function sessionReader({ queries }: Reading): SessionReader {
  const all = () => queries.selectFrom('sessions').selectAll();
  return {
    find: async (owner, sessionId) =>
      fromOptional(
        'sessions',
        await all().where('owner', '=', owner).where('session_id', '=', sessionId).executeTakeFirst(),
      ),
    listWaiting: async (now, after, limit) => {
      const waiting = all().where(isWaiting(now));
      const behind =
        after === null
          ? waiting
          : waiting.where(sql<boolean>`(session_id, owner) > (${after.sessionId}, ${after.owner})`);
      const inOrder = await behind.orderBy('session_id').orderBy('owner').limit(limit).execute();
      return inOrder.map((row) => fromColumns('sessions', row));
    },
    countListed: async (now) => {
      const listed = queries.selectFrom('sessions').where(isWaiting(now));
      const { count } = await listed
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return count;
    },
    countOpen: async (owner) => {
      const { count } = await queries
        .selectFrom('sessions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('owner', '=', owner)
        .where('open', '=', sql.lit(1))
        .executeTakeFirstOrThrow();
      return count;
    },
    listOpen: async (owner, limit) => {
      const open = all().where('owner', '=', owner).where('open', '=', sql.lit(1)).orderBy('session_id');
      return (await open.limit(limit).execute()).map((row) => fromColumns('sessions', row));
    },
    overdue: async (now, limit) => {
      const late = all().where('open', '=', sql.lit(1)).where('expires_at', '<=', now).orderBy('expires_at');
      return (await late.limit(limit).execute()).map((row) => fromColumns('sessions', row));
    },
    over: async (until, after, limit) => {
      const closed = all().where('open', '=', sql.lit(0)).where('expires_at', '<=', until);
      const behind = after === null ? closed : closed.where(isBehind(after, 'session_id'));
      const inOrder = behind.orderBy('expires_at').orderBy('owner').orderBy('session_id').limit(limit);
      return (await inOrder.execute()).map((row) => fromColumns('sessions', row));
    },
  };
}

/** The predicate of the partial index, and what is not in it. */
function isWaiting(now: number) {
  return sql<boolean>`state = 'proposed' and +expires_at > ${now}
    and exists (select 1 from accounts where xid = sessions.owner and status = 'active')`;
}

export function sessionWriter(writing: Writing): Transaction['sessions'] {
  return {
    ...sessionReader(writing),
    insert: (row) => insertRow(writing, 'sessions', row),
    update: (row) => updateRow(writing, 'sessions', row),
    remove: async (owner, sessionId) => {
      for (const table of ['session_packets', 'session_evidence', 'sessions'] as const) {
        const named = writing.queries
          .deleteFrom(table)
          .where('owner', '=', owner)
          .where('session_id', '=', sessionId);
        takeUsage(writing, owner, await named.returning(SEALED_LENGTH).execute());
      }
    },
  };
}

export function packetReader({ queries }: Reading): PacketReader {
  const of = (owner: Uint8Array, sessionId: Uint8Array) =>
    queries
      .selectFrom('session_packets')
      .selectAll()
      .where('owner', '=', owner)
      .where('session_id', '=', sessionId);
  return {
    find: async (owner, sessionId, { round, sender, receiver }) => {
      const inRound = of(owner, sessionId).where('round', '=', round);
      const there = inRound.where('sender', '=', sender).where('receiver', '=', receiver);
      return fromOptional('session_packets', await there.executeTakeFirst());
    },
    list: async (owner, sessionId, round) => {
      const inRound = of(owner, sessionId).where('round', '=', round);
      const rows = await inRound.orderBy('sender').orderBy('receiver').execute();
      return rows.map((row) => fromColumns('session_packets', row));
    },
  };
}

export function packetWriter(writing: Writing): Transaction['packets'] {
  return {
    ...packetReader(writing),
    insert: async (row) => {
      const inserted = await insertNew(writing, 'session_packets', row);
      if (inserted) addUsage(writing, row.owner, row.sealed.length);
      return inserted;
    },
  };
}

export function evidenceReader({ queries }: Reading): EvidenceReader {
  return {
    list: async (owner, sessionId) => {
      const rows = await queries
        .selectFrom('session_evidence')
        .selectAll()
        .where('owner', '=', owner)
        .where('session_id', '=', sessionId)
        .orderBy('number')
        .execute();
      return rows.map((row) => fromColumns('session_evidence', row));
    },
  };
}

export function evidenceWriter(writing: Writing): Transaction['evidence'] {
  return { ...evidenceReader(writing), insert: (row) => insertRow(writing, 'session_evidence', row) };
}
