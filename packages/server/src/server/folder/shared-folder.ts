import { CkmError } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import { vaultError } from '../../vault/codes.js';
import { FOLDER_MARK, NO_MARK } from '../../vault/folder-mark.js';

const HELD = 'folder of epoch keys, held';

const AGAIN_AFTER_SECONDS = 60;

/** That a folder of epoch keys is used by one database, and by all processes on it. */
export interface FolderWatch {
  /**
   * Marks the folder with a random number that the database knows too; each time both get another one, so that a copy of the
   * folder is told apart as soon as a process that uses the original has called again. A process that is alone takes a
   * folder without a mark: it may be one out of a backup. One with the mark of another database it takes only where that
   * lies in its own data directory, and the log says so: elsewhere it may be in use.
   * @throws StorageError `EPOCH_KEYS_NOT_SHARED` when other processes have the database open and use another folder;
   * `EPOCH_KEYS_OF_OTHERS` when another database, or a later state of this one, has marked it; `FILE_…`
   */
  claim(): Promise<void>;
  /** Once a minute {@link claim}; of another folder only the log is told: which of them is the right one nobody here knows. */
  claimAgain(): Promise<void>;
}

export function watchFolder(
  context: Pick<ServerContext, 'config' | 'storage' | 'vault' | 'random' | 'epochKeys' | 'clock' | 'events'>,
): FolderWatch {
  const { config, storage, vault, random, epochKeys, clock, events } = context;
  const { mark } = epochKeys;
  let claimedAt = 0;

  function assertOurs(known: Uint8Array | null, isAlone: boolean): void {
    const found = mark.compare(known);
    if (found === 'same' || (found === 'unmarked' && (isAlone || known === null))) return;
    if (!isAlone) throw notShared();
    if (config.epochKeys !== null) throw ofOthers(config.epochKeys);
    events.epochKeysMarkedAnew();
  }

  async function claim(): Promise<void> {
    claimedAt = clock();
    const isAlone = (await storage.countOthers()) === 0;
    const isFirst = await storage.transact(async ({ meta }) => {
      // Whoever has written this row has folder and database to itself until it commits.
      await meta.put(vault.sealRow('meta', { name: HELD }, Uint8Array.of(1)));
      const row = await meta.find(FOLDER_MARK);
      const known = row === null ? null : vault.openRow('meta', row);
      assertOurs(known, isAlone);
      const next = random(mark.bytes);
      // Both: a crash before the commit leaves a folder that is known by the former.
      mark.write(known ?? NO_MARK, next);
      await meta.put(vault.sealRow('meta', { name: FOLDER_MARK }, next));
      return known === null;
    });
    // A folder that was marked once would look to any new database like one whose first mark was cut short.
    if (isFirst) await claim();
  }

  return {
    claim,
    claimAgain: async () => {
      // On SQLite one process alone can have the database open.
      if (storage.kind === 'sqlite' || clock() - claimedAt < AGAIN_AFTER_SECONDS) return;
      try {
        await claim();
      } catch (error) {
        if (!(error instanceof CkmError) || !IN_OTHER_HANDS.includes(error.code)) throw error;
        events.epochKeysNotShared({ code: error.code });
      }
    },
  };
}

const IN_OTHER_HANDS = ['EPOCH_KEYS_NOT_SHARED', 'EPOCH_KEYS_OF_OTHERS'];

function notShared() {
  return vaultError(
    'EPOCH_KEYS_NOT_SHARED',
    'other processes of this server use another folder of epoch keys than this one does',
    'name the folder that all replicas share in CKM_EPOCH_KEYS, then start this one again',
  );
}

function ofOthers(folder: string) {
  return vaultError(
    'EPOCH_KEYS_OF_OTHERS',
    `${folder} is the folder of epoch keys of another database, or of a later state of this one`,
    'give this server a folder of its own; if no other server uses that one, remove the file mark in it',
  );
}
