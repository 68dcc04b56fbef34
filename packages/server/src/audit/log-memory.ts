import { equalBytes, StorageError } from '@ckm/foundation';
import type { AuditReader } from '../storage/storage.js';
import type { AuditAnchor } from './audit.js';

/**
 * The newest end of the log that this process has seen in the database. A log only grows: one that does not go on from
 * there is an older one, which somebody loaded under a running server, or a standby that was promoted without its last
 * entries. Nonces are not in a database; what a server has said in a ceremony, what was counted against a rate and what an
 * operator took away are, and would be undone unnoticed.
 */
export interface LogMemory {
  seen(): AuditAnchor | null;
  /** Whether the end that was compared last did not go on from what was seen before it. */
  hasGoneBack(): boolean;
  /**
   * Compares an end that was just read, and remembers it.
   * @throws StorageError `STORAGE_WENT_BACK`
   */
  follow(audit: Pick<AuditReader, 'list'>, head: AuditAnchor | null): Promise<void>;
  /** An end that a transaction of ours has just made behind one that was followed: the same one may go on from it. */
  made(head: AuditAnchor): void;
  /** An end that a transaction of ours has made, and committed. */
  note(head: AuditAnchor): void;
}

/** What a database is refused with that is older than this process has seen it. */
export const WENT_BACK = 'STORAGE_WENT_BACK';

export function createLogMemory(): LogMemory {
  let seen: AuditAnchor | null = null;
  let made: AuditAnchor | null = null;
  let hasGoneBack = false;
  const note = (head: AuditAnchor) => {
    if (head.sequence >= (seen?.sequence ?? 0)) seen = { sequence: head.sequence, hash: head.hash };
  };
  return {
    seen: () => seen,
    hasGoneBack: () => hasGoneBack,
    note,
    made: (head) => void (made = head),
    async follow(audit, head) {
      // Not remembered before it is committed: a transaction that fails leaves no trace here.
      const isNewer = made !== null && made.sequence > (seen?.sequence ?? 0);
      if (isNewer && head !== null && isSame(head, made!)) return;
      hasGoneBack = seen !== null && !(await goesOnFrom(audit, seen, head));
      if (hasGoneBack) throw wentBack();
      if (head !== null) note(head);
    },
  };
}

async function goesOnFrom(
  audit: Pick<AuditReader, 'list'>,
  seen: AuditAnchor,
  head: AuditAnchor | null,
): Promise<boolean> {
  if (head === null || head.sequence < seen.sequence) return false;
  if (head.sequence === seen.sequence) return isSame(head, seen);
  const [row] = await audit.list(seen.sequence, 1);
  return row !== undefined && isSame(row, seen);
}

function isSame(one: AuditAnchor, other: AuditAnchor): boolean {
  return one.sequence === other.sequence && equalBytes(one.hash, other.hash);
}

function wentBack(): StorageError {
  return new StorageError('the database is older than this server has seen it', {
    code: WENT_BACK,
    hint: 'start the servers again that say this: open ceremonies end, and the audit log says so',
  });
}
