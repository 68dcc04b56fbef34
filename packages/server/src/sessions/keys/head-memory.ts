import { StateError, StorageError } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { KeyName } from '../../vault/head-counts.js';
import { type KeyHead, openHead } from './stored/key-head.js';

/**
 * Notes outside of the database how far the head of a key is. Called when it remembers what is about to leave this server, and before
 * that leaves: rows that are put back to before it are noticed then.
 * @param noted as it was noted already when this call looked, which spares looking where nothing was written since; left out: it is looked now
 * @throws StorageError `FILE_…`: then nothing may leave
 */
export async function rememberHead(
  context: Pick<ServerContext, 'storage' | 'vault' | 'epochKeys'>,
  { owner, keyId }: KeyName,
  noted?: number,
): Promise<void> {
  const { storage, epochKeys } = context;
  const now = () => epochKeys.counts.read({ owner, keyId }).count;
  const stored = await storage.read(({ keys }) => keys.find(owner, keyId));
  if (stored === null || countOf(openHead(context, stored)) <= (noted ?? now())) return;
  // Held, so that of several replicas none writes a smaller number over a larger one.
  await storage.transact(async ({ keys }) => {
    const row = await keys.hold(owner, keyId);
    if (row === null) return;
    const head = openHead(context, row);
    const count = countOf(head);
    if (count <= now()) return;
    epochKeys.counts.write({ owner, keyId }, { count, exportedAt: head.exportedAt ?? null });
  });
}

function countOf({ count = 0 }: KeyHead): number {
  return count;
}

/** Whether something left this server that the stored head does not remember: somebody put it back. */
export function isBehind(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  { owner, keyId }: KeyName,
  { count = 0 }: KeyHead,
): boolean {
  return count < epochKeys.counts.read({ owner, keyId }).count;
}

/**
 * A server that came back from an older state uses and deals with no key before others have said that its epoch is still the newest (L5).
 * @throws StateError `KEY_HEAD_UNKNOWN`
 */
export function assertHeadKnown(
  context: Pick<ServerContext, 'epochKeys'>,
  name: KeyName,
  head: KeyHead,
): void {
  if (head.asks === undefined && !isBehind(context, name, head)) return;
  const message =
    'this server came back from an older state, and does not know yet whether this epoch of the key is over';
  throw refusal('KEY_HEAD_UNKNOWN', message);
}

/**
 * Does what reads a key. A row that was read before another replica wrote the next one, and noted that, looks as if it had been put back: it
 * is read anew where the one that is stored now is not behind its note.
 */
export async function whenHeadKnown<T>(
  context: Pick<ServerContext, 'storage' | 'vault' | 'epochKeys'>,
  name: KeyName,
  work: () => Promise<T>,
): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'KEY_HEAD_UNKNOWN') throw error;
      if (run === MOST_RUNS || (await isUnknown(context, name))) throw error;
    }
  }
}

const MOST_RUNS = 6;

/** The note first, and then the row: one that was written by others since is no older than that. */
async function isUnknown(
  { storage, vault, epochKeys }: Pick<ServerContext, 'storage' | 'vault' | 'epochKeys'>,
  { owner, keyId }: KeyName,
): Promise<boolean> {
  const noted = epochKeys.counts.read({ owner, keyId }).count;
  const row = await storage.read(({ keys }) => keys.find(owner, keyId));
  if (row === null) return true;
  const { asks, count = 0 } = openHead({ vault }, row);
  return asks !== undefined || count < noted;
}

/** What is told to the operator of a head that was put back. */
export function headWentBack(): StorageError {
  return new StorageError('the stored key is older than what this server has said about it', {
    code: 'KEY_WENT_BACK',
    hint: 'the operator looks who writes to the database, and restores it from a backup',
  });
}
