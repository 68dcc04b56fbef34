import {
  type AccessError,
  type CkmError,
  EncodingError,
  StateError,
  StorageError,
  UsageError,
} from '@ckm/foundation';
import { passphraseWrong } from '../vault/codes.js';

/** Every code of an error about backups. */
const BACKUP_CODES = [
  'BACKUP_CHANGED',
  'BACKUP_CUT_SHORT',
  'BACKUP_DATABASE_USED',
  'BACKUP_EXISTS',
  'BACKUP_FOLDER_MISSING',
  'BACKUP_FROM_LATER',
  'BACKUP_KEYS_USED',
  'BACKUP_KEY_CHANGING',
  'BACKUP_LEFT_OVER',
  'BACKUP_NONE',
  'BACKUP_OF_OTHER_VERSION',
  'BACKUP_UNDER_WAY',
  'BACKUP_UNREADABLE',
] as const;
export type BackupCode = (typeof BACKUP_CODES)[number];

export function backupNone(path: string): EncodingError {
  return encoding(
    'BACKUP_NONE',
    `${path} is not a backup of a server`,
    'name the file that was written as a backup',
  );
}

export function backupUnreadable(path: string, cause: unknown): StorageError {
  const code: BackupCode = 'BACKUP_UNREADABLE';
  return new StorageError(`${path} cannot be read`, {
    code,
    hint: 'check the path, and that you may read it',
    cause,
  });
}

export function cutShort(): EncodingError {
  return encoding(
    'BACKUP_CUT_SHORT',
    'the backup ends too early',
    'take another copy of it, or an earlier backup',
  );
}

/** @param what which part is not what was written; says nothing of its content */
export function changed(what: string): EncodingError {
  return encoding(
    'BACKUP_CHANGED',
    `the backup is not what was written: ${what}`,
    'take another copy of it, or an earlier backup',
  );
}

export function ofOtherVersion(version: string): EncodingError {
  return encoding(
    'BACKUP_OF_OTHER_VERSION',
    `the backup was made by version ${version}, whose tables are others`,
    `restore it with version ${version}, then upgrade the folder it makes`,
  );
}

/** A sealed server may have got another passphrase since: its operator thinks of that one first. */
export function passphraseOfOtherTime(): AccessError {
  return passphraseWrong(
    'this backup, which opens with the one that it was made with',
    'type the passphrase of when the backup was made; for a sealed server, the one that it had then',
  );
}

export function keyChanging(): StateError {
  const code: BackupCode = 'BACKUP_KEY_CHANGING';
  return new StateError('the storage key is being changed', {
    code,
    hint: 'make the backup when that is done',
  });
}

export function underWay(): StateError {
  const code: BackupCode = 'BACKUP_UNDER_WAY';
  return new StateError('another backup of this server is being made', {
    code,
    hint: 'wait until it is done',
  });
}

export function backupUsage(code: BackupCode, message: string, hint: string, facts: CkmError['facts'] = {}) {
  return new UsageError(message, { code, hint, facts });
}

function encoding(code: BackupCode, message: string, hint: string): EncodingError {
  return new EncodingError(message, { code, hint });
}
