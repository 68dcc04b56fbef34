import { AccessError, CkmError, StateError, StorageError, UsageError } from '@ckm/foundation';

/** Every code of an error that the vault raises. */
const VAULT_CODES = [
  'EPOCH_KEYS_NOT_SHARED',
  'EPOCH_KEYS_OF_OTHERS',
  'EPOCH_KEYS_UNUSABLE',
  'EPOCH_KEY_MISSING',
  'FILE_TAMPERED',
  'KEY_FILE_DAMAGED',
  'KEY_FILE_EXISTS',
  'KEY_FILE_EXPOSED',
  'KEY_FILE_MISSING',
  'PASSPHRASE_CHANGED',
  'PASSPHRASE_KEY_CHANGING',
  'PASSPHRASE_TOO_MANY_TRIES',
  'PASSPHRASE_TOO_WEAK',
  'PASSPHRASE_UNUSED',
  'PASSPHRASE_WRONG',
  'ROW_TAMPERED',
  'STORAGE_KEY_WRONG',
  'VAULT_WIPED',
] as const;
export type VaultCode = (typeof VAULT_CODES)[number];

export function vaultError(code: VaultCode, message: string, hint: string, cause?: unknown): StorageError {
  return new StorageError(message, { code, hint, ...(cause === undefined ? {} : { cause }) });
}

/** What a server that was used has lost: a copy brings it back, or its backup brings all of it back. */
export function lostFile(
  code: VaultCode | 'STORAGE_OTHER',
  message: string,
  hint = 'bring it back from a copy, or make the server again out of its backup in a new folder',
  cause?: unknown,
): StorageError {
  return new StorageError(message, {
    code,
    hint,
    remedy: { kind: 'restoreServer' },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function passphraseWrong(what = 'the storage key', hint = 'type the passphrase again'): AccessError {
  return new AccessError(`the passphrase does not open ${what}`, {
    code: 'PASSPHRASE_WRONG' satisfies VaultCode,
    hint,
    retryable: true,
  });
}

export function tooManyTries(seconds: number): AccessError {
  return new AccessError('too many wrong passphrases', {
    code: 'PASSPHRASE_TOO_MANY_TRIES' satisfies VaultCode,
    hint: `wait ${seconds} seconds, then try again`,
    httpStatus: 429,
    retryable: true,
    facts: { waitSeconds: seconds },
  });
}

/** It is in place, and what belongs to it was not done. */
export function passphraseChanged(cause: unknown): StorageError {
  const why = cause instanceof CkmError ? `: ${cause.message} (${cause.code})` : '';
  return vaultError(
    'PASSPHRASE_CHANGED',
    `the passphrase is changed, and only the new one opens this server; what comes after that failed${why}`,
    'keep the new passphrase; the log tells of the change when the server has been started again',
    cause,
  );
}

/** The storage key lies in a file of its own. */
export function passphraseUnused(): UsageError {
  return new UsageError('this server needs no passphrase: its storage key lies in a file', {
    code: 'PASSPHRASE_UNUSED' satisfies VaultCode,
    hint: 'a server that is to need one is made so',
  });
}

/** Two keys lie under the passphrase. */
export function keyChanging(): StateError {
  return new StateError('another storage key is taking the place of the present one', {
    code: 'PASSPHRASE_KEY_CHANGING' satisfies VaultCode,
    hint: 'let the server run until that is done, then change the passphrase',
    retryable: true,
  });
}
