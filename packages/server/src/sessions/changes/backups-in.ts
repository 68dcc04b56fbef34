/**
 * The backups that hold shares, as far as a server knows of them. What came before what is told by the numbers of entries in its audit log, which
 * only grow: no clock that was ahead or behind changes that.
 */
export interface BackupLog {
  /** Of shares that were stored before that entry there may be more backups than are known. 0: all are known. */
  readonly knownFrom: number;
  /** In the order in which they were begun, whether or not they came to their end. */
  readonly begun: readonly BegunBackup[];
  /** The operator has said that all that were begun before are destroyed. UnixSeconds; 0: he has not. */
  readonly destroyedBefore: number;
}

export interface BegunBackup {
  /** Not before any that was begun before it, whatever the clock said. UnixSeconds. */
  readonly at: number;
  /** The entry that says that it is made. */
  readonly entry: number;
  /** The last entry when nothing more was read for it; null: it may still be. */
  readonly over: number | null;
}

/** Between which entries a share was stored. */
export interface ShareLife {
  /** The last entry before that; null: not known. */
  readonly after: number | null;
  /** That of its destruction; null: it is here, or when it went is not known. */
  readonly before: number | null;
  /** When it went, or now. UnixSeconds. */
  readonly until: number;
}

/** Backups that may hold a share, and how many of them its operator has said to be destroyed. */
export interface HoldingBackups {
  readonly taken: number;
  readonly destroyed: number;
}

/**
 * Which backups may hold a share: those that were begun before it went and were not over before it came.
 * @param log null: it cannot be read
 * @param now UnixSeconds
 * @returns null: not known, as after a restore, unless the operator has said of all that there may be that they are destroyed
 */
export function backupsHolding(
  log: BackupLog | null,
  { after, before, until }: ShareLife,
  now: number,
): HoldingBackups | null {
  if (log === null) return null;
  const { knownFrom, begun } = log;
  const destroyedBefore = destroyedUntil(log, now);
  const holding = begun.filter(
    ({ entry, over }) =>
      (before === null || entry < before) && (after === null || over === null || over > after),
  );
  const destroyed = holding.filter(({ at }) => at < destroyedBefore).length;
  const areAllKnown = after !== null && after >= knownFrom;
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
