import { randomBytes } from 'node:crypto';
import type { ServerContext } from '../context.js';
import { readKey, writeKey } from '../sessions/keys/stored-key.js';

/** Copies that one transaction writes. */
const BATCH = 100;

/** Stores so many copies of the one key of a server, each complete, with an epoch key of its own, under another id. */
export async function copyKeys(context: ServerContext, count: number): Promise<void> {
  const { storage } = context;
  const [row] = await storage.read(({ keys }) => keys.listAll(null, 1));
  if (row === undefined) throw new Error('there is no key to copy');
  const record = await storage.read((reader) => readKey(context, reader, row));
  for (let left = count; left > 0; left -= BATCH) {
    await storage.transact(async (transaction) => {
      for (let i = 0; i < Math.min(BATCH, left); i++) {
        const head = { owner: row.owner, keyId: new Uint8Array(randomBytes(32)), state: row.state };
        await writeKey(context, transaction, null, head, record);
      }
    });
  }
}
