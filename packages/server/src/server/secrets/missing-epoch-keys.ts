import type { ServerContext } from '../../context.js';
import type { ShareCursor, ShareRow } from '../../storage/storage.js';

const PAGE = 500;

/** How many shares have an epoch key that this process does not find: with those keys it does not sign. */
export async function countMissingKeys({
  storage,
  epochKeys,
}: Pick<ServerContext, 'storage' | 'epochKeys'>): Promise<number> {
  let count = 0;
  let after: ShareCursor | null = null;
  for (;;) {
    const last: ShareCursor | null = after;
    const rows: readonly ShareRow[] = await storage.read(({ shares }) => shares.listAll(last, PAGE));
    count += rows.filter((row) => !epochKeys.exists(row)).length;
    if (rows.length < PAGE) return count;
    after = rows.at(-1)!;
  }
}
