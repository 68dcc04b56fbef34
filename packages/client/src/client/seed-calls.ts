import type { DeletedAt } from '../csr/delete-shares.js';
import { type DepositRecord, listDepositRecords } from '../csr/deposit-record.js';
import type { FoundShares } from '../csr/find-shares.js';
import type { DepositSecret } from '../csr/deposit-secret.js';
import {
  checkDeposit,
  type CheckedDeposit,
  deleteDeposit,
  type DeleteDepositArgs,
  noteDeposit,
  rotateDeposit,
  type RotateDepositArgs,
  type RotatedDeposit,
} from '../csr/rotate-deposit.js';
import {
  assertNotOwners,
  type DepositView,
  planDeposit,
  type PlanDepositArgs,
  planUpgrade,
  storeDeposit,
  type StoreDepositArgs,
  type StoredDeposit,
  upgradeDeposit,
  type UpgradeDepositArgs,
} from '../csr/store-deposit.js';
import {
  noteSeedBackup,
  noteSeedBackupChecked,
  readSeedBackup,
  type SeedBackup,
  type SeedBackupForm,
} from '../seed/seed-backup.js';
import { noteSheet } from '../keys/sheet-record.js';
import type { ClientRoom } from './client-room.js';

/** The seed: its shares at servers, and what is known of its backups. */
export interface SeedCalls {
  /** Shares at servers that are on record here. */
  listDeposits(): Promise<readonly DepositRecord[]>;
  /** Where shares would go. Nobody is asked. */
  planDeposit(args: PlanDepositArgs): Promise<DepositView>;
  /** Shares a secret out among servers, or goes on with that. */
  storeDeposit(args: StoreDepositArgs): Promise<StoredDeposit>;
  /** Which two servers more would get a share. Nobody is asked. */
  planUpgrade(args: Pick<UpgradeDepositArgs, 'secret' | 'servers'>): Promise<DepositView>;
  /** Gives two servers more a share; the others are not asked. */
  upgradeDeposit(args: UpgradeDepositArgs): Promise<StoredDeposit>;
  /** Whether shares still bring back what they keep. */
  checkDeposit(secret: DepositSecret): Promise<CheckedDeposit>;
  /** Puts on record where shares lie that were found. */
  noteDeposit(secret: DepositSecret, found: Omit<FoundShares, 'kept'>): Promise<void>;
  /** Shares the same out anew under another secret, and deletes the old shares when all new ones are stored. */
  rotateDeposit(args: RotateDepositArgs): Promise<RotatedDeposit>;
  /** Has every server keep nothing any more under a secret. */
  deleteDeposit(args: DeleteDepositArgs): Promise<readonly DeletedAt[]>;
  /** When the seed was last shown to its owner, or typed in, and when a backup was last tried. @returns null: never here */
  seedBackup(): Promise<SeedBackup | null>;
  /** Puts on record that it is shown, or typed in, now. @param isTyped then it is tried, too */
  noteSeedBackup(shown: { readonly form: SeedBackupForm; readonly isTyped: boolean }): Promise<void>;
  /** Puts on record that a backup was tried now, and brings this seed back. */
  noteSeedBackupChecked(form: SeedBackupForm): Promise<void>;
  /** Puts on record that a recovery sheet of all keys is made now. */
  noteSheet(): Promise<void>;
}

export function createSeedCalls({ context, store }: ClientRoom): SeedCalls {
  return {
    listDeposits: () => listDepositRecords(store),
    planDeposit: (args) => planDeposit(context, args),
    storeDeposit: (args) => store.exclusive('csr', () => storeDeposit(context, args)),
    planUpgrade: (args) => planUpgrade(context, args),
    upgradeDeposit: (args) => store.exclusive('csr', () => upgradeDeposit(context, args)),
    checkDeposit: async (secret) => {
      await assertNotOwners(context, secret, null);
      return store.exclusive('csr', () => checkDeposit(context, secret));
    },
    noteDeposit: (secret, found) => noteDeposit(context, secret, found),
    rotateDeposit: (args) => store.exclusive('csr', () => rotateDeposit(context, args)),
    deleteDeposit: (args) => store.exclusive('csr', () => deleteDeposit(context, args)),
    seedBackup: () => readSeedBackup(store),
    noteSeedBackup: (shown) => noteSeedBackup(store, shown, context.clock()),
    noteSeedBackupChecked: (form) => noteSeedBackupChecked(store, form, context.clock()),
    noteSheet: () => noteSheet(context),
  };
}
