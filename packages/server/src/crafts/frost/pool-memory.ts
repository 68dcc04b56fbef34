import { encodeHex, equalBytes, StorageError } from '@ckm/foundation';
import type { AuditHeadRow, Reader } from '../../storage/storage.js';

/** Uses remembered; far more than can be unused at any time. */
const MOST_USES = 65_536;

/**
 * What one life of a server remembers by itself about nonces that are rows, in case the rows come back: when an old dump is
 * loaded into the database while servers are running, deleted rows reappear and their instances still live. Own uses
 * are remembered one by one; that others have used some, by the last entry of the audit log seen: every use adds one.
 */
export interface PoolMemory {
  /** @throws StorageError `STORAGE_WENT_BACK` when the audit log this server has seen is not the one there */
  assertNotOlder(reader: Reader): Promise<void>;
  /** False when one of these was used before by this life of the server. */
  noteUse(nonceIds: readonly Uint8Array[]): boolean;
}

export function createPoolMemory(mostUses = MOST_USES): PoolMemory {
  const used = new Set<string>();
  let seen: AuditHeadRow | null = null;
  return {
    async assertNotOlder(reader) {
      // Others may see more while we wait: only what we asked about is compared.
      const expected = seen;
      if (expected !== null) {
        const [row] = await reader.audit.list(expected.sequence, 1);
        if (row === undefined || !equalBytes(row.hash, expected.hash)) throw wentBack();
      }
      const head = await reader.audit.head();
      if (head !== null && head.sequence > (seen?.sequence ?? 0)) seen = head;
    },
    noteUse(nonceIds) {
      const names = nonceIds.map(encodeHex);
      const isFirst = !names.some((name) => used.has(name));
      for (const name of names) used.add(name);
      for (const oldest of used) {
        if (used.size <= mostUses) break;
        used.delete(oldest);
      }
      return isFirst;
    },
  };
}

function wentBack(): StorageError {
  return new StorageError('the database is older than this server has seen it', {
    code: 'STORAGE_WENT_BACK',
    hint: 'stop all servers on this database before restoring it, then start them again',
  });
}
