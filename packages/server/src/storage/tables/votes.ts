import { sql } from 'kysely';
import { fromColumns, fromOptional } from '../database.js';
import type {
  AskedReader,
  MatterName,
  MatterPayloadReader,
  MatterReader,
  Transaction,
  VoteReader,
} from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { updateRow } from './updating.js';
import { insertNew, insertRow, SEALED_LENGTH, takeUsage, countUsage, type Writing } from './writing.js';

const YES = sql.lit(1);

const findMatter = prepared((queries, owner: Uint8Array, matter: string, matterId: Uint8Array) =>
  queries
    .selectFrom('matters')
    .selectAll()
    .where('owner', '=', owner)
    .where('matter', '=', matter)
    .where('matter_id', '=', matterId),
);

const holdMatter = prepared((queries, owner: Uint8Array, matter: string, matterId: Uint8Array) =>
  queries
    .selectFrom('matters')
    .selectAll()
    .where('owner', '=', owner)
    .where('matter', '=', matter)
    .where('matter_id', '=', matterId)
    .forNoKeyUpdate(),
);

const votesOf = prepared((queries, owner: Uint8Array, matter: string, matterId: Uint8Array) =>
  queries
    .selectFrom('votes')
    .selectAll()
    .where('owner', '=', owner)
    .where('matter', '=', matter)
    .where('matter_id', '=', matterId)
    .orderBy('approver'),
);

const payloadOf = prepared((queries, owner: Uint8Array, matter: string, matterId: Uint8Array) =>
  queries
    .selectFrom('matter_payloads')
    .selectAll()
    .where('owner', '=', owner)
    .where('matter', '=', matter)
    .where('matter_id', '=', matterId),
);

export function matterReader(reading: Reading): MatterReader {
  const { queries } = reading;
  return {
    find: async ({ owner, matter, matterId }) =>
      fromOptional('matters', (await findMatter(reading, owner, matter, matterId)).rows[0]),
    countWaiting: async (owner) => {
      const waiting = queries.selectFrom('matters').where('waiting', '=', YES);
      const counted = (owner === null ? waiting : waiting.where('owner', '=', owner)).select(({ fn }) =>
        fn.countAll<number>().as('count'),
      );
      return (await counted.executeTakeFirstOrThrow()).count;
    },
    waitingOf: async (owner, limit) => {
      const waiting = queries.selectFrom('matters').selectAll().where('waiting', '=', YES);
      const rows = await waiting.where('owner', '=', owner).limit(limit).execute();
      return rows.map((row) => fromColumns('matters', row));
    },
    overdue: async (until, limit) => {
      const late = queries.selectFrom('matters').selectAll().where('expires_at', '<=', until);
      const inOrder = late.orderBy('expires_at').orderBy('owner').orderBy('matter').orderBy('matter_id');
      return (await inOrder.limit(limit).execute()).map((row) => fromColumns('matters', row));
    },
  };
}

export function matterWriter(writing: Writing): Transaction['matters'] {
  return {
    ...matterReader(writing),
    hold: async ({ owner, matter, matterId }) => {
      const held = writing.kind === 'postgres' ? holdMatter : findMatter;
      return fromOptional('matters', (await held(writing, owner, matter, matterId)).rows[0]);
    },
    insert: (row) => insertRow(writing, 'matters', row),
    update: (row) => updateRow(writing, 'matters', row),
    remove: async (name) => {
      // What refers to it goes first.
      for (const table of ['asked_people', 'votes', 'matter_payloads', 'matters'] as const)
        await removeOf(writing, table, name);
    },
  };
}

async function removeOf(
  writing: Writing,
  table: 'asked_people' | 'votes' | 'matter_payloads' | 'matters',
  { owner, matter, matterId }: MatterName,
): Promise<void> {
  const removed = await writing.queries
    .deleteFrom(table)
    .where('owner', '=', owner)
    .where('matter', '=', matter)
    .where('matter_id', '=', matterId)
    .returning(SEALED_LENGTH)
    .execute();
  takeUsage(writing, owner, removed);
}

export function matterPayloadReader(reading: Reading): MatterPayloadReader {
  return {
    find: async ({ owner, matter, matterId }) =>
      fromOptional('matter_payloads', (await payloadOf(reading, owner, matter, matterId)).rows[0]),
  };
}

export function matterPayloadWriter(writing: Writing): Transaction['matterPayloads'] {
  return {
    ...matterPayloadReader(writing),
    insert: (row) => insertRow(writing, 'matter_payloads', row),
    remove: (name) => removeOf(writing, 'matter_payloads', name),
  };
}

export function voteReader(reading: Reading): VoteReader {
  return {
    of: async ({ owner, matter, matterId }) =>
      (await votesOf(reading, owner, matter, matterId)).rows.map((row) => fromColumns('votes', row)),
  };
}

export function voteWriter(writing: Writing): Transaction['votes'] {
  return {
    ...voteReader(writing),
    put: (row) => (row.version === 1 ? insertRow(writing, 'votes', row) : updateRow(writing, 'votes', row)),
  };
}

export function askedReader({ queries }: Reading): AskedReader {
  const of = (approver: Uint8Array) =>
    queries.selectFrom('asked_people').selectAll().where('approver', '=', approver);
  const withMatters = (approver: Uint8Array) =>
    queries
      .selectFrom('asked_people')
      .innerJoin('matters', (join) =>
        join
          .onRef('matters.owner', '=', 'asked_people.owner')
          .onRef('matters.matter', '=', 'asked_people.matter')
          .onRef('matters.matter_id', '=', 'asked_people.matter_id'),
      )
      .selectAll('asked_people')
      .where('asked_people.approver', '=', approver);
  return {
    list: async (approver, after, limit) => {
      const behind = after === null ? of(approver) : of(approver).where('matter_id', '>', after);
      const rows = await behind
        .orderBy('matter_id')
        .orderBy('owner')
        .orderBy('matter')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('asked_people', row));
    },
    listOf: async (approver, { owner, keyId }, after, limit) => {
      const his = withMatters(approver)
        .where('matters.key_id', '=', keyId)
        .where('asked_people.owner', '=', owner);
      const behind = after === null ? his : his.where('asked_people.matter_id', '>', after);
      const rows = await behind.orderBy('asked_people.matter_id').limit(limit).execute();
      return rows.map((row) => fromColumns('asked_people', row));
    },
    find: async (approver, { matter, matterId, keyId, owner }, limit) => {
      const all = withMatters(approver);
      const rows = await (owner === undefined ? all : all.where('asked_people.owner', '=', owner))
        .where('asked_people.matter_id', '=', matterId)
        .where('asked_people.matter', '=', matter)
        .where('matters.key_id', '=', keyId)
        .orderBy('asked_people.owner')
        .limit(limit)
        .execute();
      return rows.map((row) => fromColumns('asked_people', row));
    },
  };
}

export function askedWriter(writing: Writing): Transaction['asked'] {
  return {
    ...askedReader(writing),
    insert: async (row) => {
      if (await insertNew(writing, 'asked_people', row)) countUsage(writing, 'asked_people', row);
    },
    removeAll: (name) => removeOf(writing, 'asked_people', name),
  };
}
