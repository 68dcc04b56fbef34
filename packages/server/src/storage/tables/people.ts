import { fromColumns, fromOptional, toColumns } from '../database.js';
import type { AccountReader, InviteReader, Transaction } from '../storage.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import { insertRow, type Writing } from './writing.js';
import { updateRow } from './updating.js';

const findAccount = prepared((queries, xid: Uint8Array) =>
  queries.selectFrom('accounts').selectAll().where('xid', '=', xid),
);

const holdAccount = prepared((queries, xid: Uint8Array) =>
  // "no key update" lets rows that refer to this account be inserted meanwhile.
  queries.selectFrom('accounts').selectAll().where('xid', '=', xid).forNoKeyUpdate(),
);

const shareAccount = prepared((queries, xid: Uint8Array) =>
  queries.selectFrom('accounts').selectAll().where('xid', '=', xid).forShare(),
);

export function accountReader(reading: Reading): AccountReader {
  const { queries } = reading;
  return {
    find: async (xid) => fromOptional('accounts', (await findAccount(reading, xid)).rows[0]),
    list: async ({ after, limit }) => {
      const all = queries.selectFrom('accounts').selectAll().orderBy('xid').limit(limit);
      const rows = await (after === null ? all : all.where('xid', '>', after)).execute();
      return rows.map((row) => fromColumns('accounts', row));
    },
    count: async () => {
      const counted = queries.selectFrom('accounts').select(({ fn }) => fn.countAll<number>().as('count'));
      return (await counted.executeTakeFirstOrThrow()).count;
    },
  };
}

export function accountWriter(writing: Writing): Transaction['accounts'] {
  return {
    ...accountReader(writing),
    hold: async (xid) => {
      const held = writing.kind === 'postgres' ? holdAccount : findAccount;
      return fromOptional('accounts', (await held(writing, xid)).rows[0]);
    },
    holdShared: async (xid) => {
      const held = writing.kind === 'postgres' ? shareAccount : findAccount;
      return fromOptional('accounts', (await held(writing, xid)).rows[0]);
    },
    insert: (row) => insertRow(writing, 'accounts', row),
    update: (row) => updateRow(writing, 'accounts', row),
  };
}

export function inviteReader({ queries }: Reading): InviteReader {
  return {
    find: async (codeHash) =>
      fromOptional(
        'invites',
        await queries.selectFrom('invites').selectAll().where('code_hash', '=', codeHash).executeTakeFirst(),
      ),
    list: async ({ after, limit }) => {
      const all = queries.selectFrom('invites').selectAll().orderBy('code_hash').limit(limit);
      const rows = await (after === null ? all : all.where('code_hash', '>', after)).execute();
      return rows.map((row) => fromColumns('invites', row));
    },
    withHashBetween: async (lowest, highest, limit) => {
      const found = queries.selectFrom('invites').selectAll().where('code_hash', '>=', lowest);
      const inOrder = found.where('code_hash', '<=', highest).orderBy('code_hash').limit(limit);
      return (await inOrder.execute()).map((row) => fromColumns('invites', row));
    },
  };
}

export function inviteWriter(writing: Writing): Transaction['invites'] {
  return {
    ...inviteReader(writing),
    insert: (row) => insertRow(writing, 'invites', row),
    use: async (row) => {
      const { numUpdatedRows } = await writing.queries
        .updateTable('invites')
        .set(toColumns('invites', row))
        .where('code_hash', '=', row.codeHash)
        .where('used_by', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    removeUnused: async (codeHash) => {
      const { numDeletedRows } = await writing.queries
        .deleteFrom('invites')
        .where('code_hash', '=', codeHash)
        .where('used_by', 'is', null)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    },
  };
}
