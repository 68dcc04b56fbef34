import type { ServerContext } from '../../context.js';
import { passIfTampered } from '../../storage/tampered-row.js';
import type { KeyRow, Transaction } from '../../storage/storage.js';
import { marksOf, noteMarks, openHead, withMarks } from '../keys/stored-key.js';

const PAGE = 100;
const DRAWN_BYTES = 32;

/**
 * The head of a key as it is restored from a backup: this server may have said in its epoch what it does not know of. What it did
 * say of a change is in no backup.
 */
export function withoutVotes(
  { vault, random }: Pick<ServerContext, 'vault' | 'random'>,
  row: KeyRow,
): KeyRow {
  const { change: _change, ...marks } = marksOf(openHead({ vault }, row));
  return withMarks({ vault }, row, { ...marks, forgot: random(DRAWN_BYTES) });
}

/** Of every key, where the database is found to be older than this server has seen it. */
export async function forgetVotes(context: ServerContext): Promise<void> {
  for (let after: KeyRow | null = null; ;) {
    const last: KeyRow | null = after;
    const rows: readonly KeyRow[] = await context.storage.read(({ keys }) => keys.listAll(last, PAGE));
    for (const row of rows) {
      await passIfTampered(context.events.storageFailed, () => forgetOne(context, row));
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function forgetOne(context: ServerContext, name: KeyRow): Promise<void> {
  await context.storage.transact((transaction) => forgetVotesOf(context, transaction, name));
}

/** Of one key, because what this server remembers of it may be old: what is stored of its votes is of another mark from now on. */
export async function forgetVotesOf(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
): Promise<void> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) return;
  const marks = { ...marksOf(openHead(context, row)), forgot: context.random(DRAWN_BYTES) };
  await noteMarks(context, transaction, row, marks);
}
