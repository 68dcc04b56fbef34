import type { BareServer } from '../../sessions/test/bare-server.js';
import { openHead } from '../../sessions/keys/stored/key-head.js';
import { findLife, storeLife } from '../life-record.js';

/** A server has run for so many seconds more, and heard nothing of the owner of a key, whoever has one of that id. It has done nothing about it yet. */
export async function passSilently(
  { context }: Pick<BareServer, 'context'>,
  keyId: Uint8Array,
  seconds: number,
): Promise<void> {
  const { storage } = context;
  for (const { owner } of await storage.read((reader) => reader.keys.withId(keyId)))
    await storage.transact(async (transaction) => {
      const key = (await transaction.keys.hold(owner, keyId))!;
      const { row, record } = await findLife(context, transaction, key, openHead(context, key));
      if (record === null) return;
      const waited = { ...record.waited, counted: record.waited.counted + seconds };
      await storeLife(context, transaction, key, row, { ...record, waited });
    });
}
