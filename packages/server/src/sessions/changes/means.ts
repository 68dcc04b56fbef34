import type { ServerContext } from '../../context.js';
import type { Reader } from '../../storage/storage.js';
import type { Counter } from '../waiting-time.js';
import type { BackupLog } from './backups-in.js';
import type { MembersMemory } from './members-memory.js';

/** What the functions of changes need of the server. */
export interface ChangeMeans {
  readonly context: ServerContext;
  /** This process, by which delays are counted. */
  counting(): Counter;
  /** When the last good backup that this server knows of was made; null: it knows of none. UnixSeconds. */
  lastBackupAt(reader: Reader): Promise<number | null>;
  /** The backups that may hold shares; null: not known. */
  backupLog(reader: Reader): Promise<BackupLog | null>;
  /** Counts milliseconds of one core that a message is about to cost. @throws PolicyError `QUOTA_COST` */
  charge(account: { readonly xid: Uint8Array }, costMs: number): void;
  /** Who had held keys before, as far as it was read. */
  readonly pastMembers: MembersMemory;
}
