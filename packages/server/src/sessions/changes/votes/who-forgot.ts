import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { Reader } from '../../../storage/storage.js';
import { readChange } from '../change-record.js';
import { isReminded, type StoredHead } from '../deciding.js';

/**
 * The keys, by their hex id, of which this server does not know what it said about a change of their epoch, and was not reminded since. One
 * that is not what this server stored is reported to its operator, and reminds nobody.
 */
export async function readForgotten(
  context: Pick<ServerContext, 'vault' | 'events'>,
  reader: Reader,
  heads: readonly StoredHead[],
): Promise<ReadonlySet<string>> {
  const forgotten = new Set<string>();
  for (const { row, head } of heads) {
    const { forgot, change, left } = head;
    if (forgot === undefined || left !== undefined) continue;
    const name = encodeHex(row.keyId);
    forgotten.add(name);
    // Nothing was said since: a server with many keys that was restored reads no row for each of them.
    if (change === undefined) continue;
    await passIfTampered(context.events.storageFailed, async () => {
      const { record } = await readChange(context, reader, row, head);
      // Whom the words released without a reminder has forgotten still, apart from them.
      const isBeyondWords =
        (record.member?.released?.plain?.forgot ?? record.member?.forgot ?? null) === null;
      if (isReminded(record, forgot) && isBeyondWords) forgotten.delete(name);
    });
  }
  return forgotten;
}
