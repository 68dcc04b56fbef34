import { CkmError, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { vaultError } from '../vault/codes.js';
import type { FolderMark } from '../vault/folder-mark.js';

const MARK = 'folder of epoch keys';
const HELD = 'folder of epoch keys, held';

const AGAIN_AFTER_SECONDS = 60;

/** That all processes on one database use one folder of epoch keys. */
export interface FolderWatch {
  /**
   * Marks the folder with a random number that the database knows too; each time both get another one, so that a copy of the
   * folder is told apart as soon as a process that uses the original has called again. A process that is alone takes
   * whatever folder it has: it may be one out of a backup.
   * @throws StorageError `EPOCH_KEYS_NOT_SHARED` when other processes have the database open and use another folder; `FILE_…`
   */
  claim(): Promise<void>;
  /** Once a minute {@link claim}; of another folder only the log is told: which of them is the right one nobody here knows. */
  claimAgain(): Promise<void>;
}

export function watchFolder(
  context: Pick<ServerContext, 'storage' | 'vault' | 'random' | 'epochKeys' | 'clock' | 'events'>,
): FolderWatch {
  const { storage, vault, random, epochKeys, clock, events } = context;
  let claimedAt = 0;

  async function claim(): Promise<void> {
    claimedAt = clock();
    // A database that one process alone can have open.
    if (storage.kind === 'sqlite') return;
    const isAlone = (await storage.countOthers()) === 0;
    await storage.transact(async ({ meta }) => {
      // Whoever has written this row has folder and database to itself until it commits.
      await meta.put(vault.sealRow('meta', { name: HELD }, Uint8Array.of(1)));
      const row = await meta.find(MARK);
      const known = row === null ? null : vault.openRow('meta', row);
      if (known !== null && !isAlone && !isMarkedWith(epochKeys.mark, known)) throw notShared();
      const next = random(epochKeys.mark.bytes);
      // Both: a crash before the commit leaves a folder that is known by the former.
      epochKeys.mark.write(known ?? next, next);
      await meta.put(vault.sealRow('meta', { name: MARK }, next));
    });
  }

  return {
    claim,
    claimAgain: async () => {
      if (clock() - claimedAt < AGAIN_AFTER_SECONDS) return;
      try {
        await claim();
      } catch (error) {
        if (!(error instanceof CkmError) || error.code !== 'EPOCH_KEYS_NOT_SHARED') throw error;
        events.epochKeysNotShared();
      }
    },
  };
}

function isMarkedWith(mark: FolderMark, known: Uint8Array): boolean {
  return mark.read().some((number) => equalBytes(number, known));
}

function notShared() {
  return vaultError(
    'EPOCH_KEYS_NOT_SHARED',
    'other processes of this server use another folder of epoch keys than this one does',
    'name the folder that all replicas share in CKM_EPOCH_KEYS, then start this one again',
  );
}
