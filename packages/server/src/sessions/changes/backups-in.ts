/** The backups that hold shares, as far as a server knows of them. */
export interface BackupLog {
  /** Of those that were begun before nothing is known. UnixSeconds; 0: all are known. */
  readonly knownSince: number;
  /** When each was begun, whether or not it came to its end, in the order in which they were. UnixSeconds. */
  readonly begunAt: readonly number[];
  /** The operator has said that all that were begun before are destroyed. UnixSeconds; 0: he has not. */
  readonly destroyedBefore: number;
}

/** Between these moments a share was stored. UnixSeconds. */
export interface ShareLife {
  /** Null: not known. */
  readonly from: number | null;
  readonly until: number;
}

/** Backups that may hold a share, and how many of them its operator has said to be destroyed. */
export interface HoldingBackups {
  readonly taken: number;
  readonly destroyed: number;
}

/** A backup that was begun so long before a share was stored may have come to it while it was made. Seconds. */
const LONGEST_BACKUP = 3_600;

/**
 * Which backups may hold a share, by the server’s own clock; one that was begun in what is the future now counts for each.
 * @param log null: it cannot be read
 * @param now UnixSeconds
 * @returns null: not known, as after a restore, unless the operator has said of all that there may be that they are destroyed
 */
export function backupsHolding(
  log: BackupLog | null,
  { from, until }: ShareLife,
  now: number,
): HoldingBackups | null {
  if (log === null) return null;
  const { knownSince, begunAt } = log;
  const destroyedBefore = destroyedUntil(log, now);
  const begins = Math.max(0, (from ?? 0) - LONGEST_BACKUP);
  const holding = begunAt.filter((at) => at > now || (at >= begins && at <= until));
  const destroyed = holding.filter((at) => at < destroyedBefore).length;
  const areAllKnown = from !== null && begins >= knownSince;
  if (!areAllKnown && destroyedBefore <= until) return null;
  return { taken: holding.length, destroyed };
}

/**
 * Of those that were begun before, the operator has said that they are destroyed. He can have said it of none that is begun yet: a
 * moment in the future is from a clock that was ahead.
 * @param now UnixSeconds
 */
export function destroyedUntil({ destroyedBefore }: BackupLog, now: number): number {
  return Math.min(destroyedBefore, now);
}
