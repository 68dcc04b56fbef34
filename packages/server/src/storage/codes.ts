import { CkmError, StateError, StorageError } from '@ckm/foundation';

/** Every code of an error that the storage raises. */
const STORAGE_CODES = [
  'ROW_EXISTS',
  'ROW_CHANGED',
  'STORAGE_BUSY',
  'STORAGE_CANNOT_OPEN',
  'STORAGE_CLOSED',
  'STORAGE_CONSTRAINT',
  'STORAGE_COPY_DIFFERS',
  'STORAGE_CORRUPT',
  'STORAGE_DRIVER_MISSING',
  'STORAGE_FAILED',
  'STORAGE_FILES_TOO_MANY',
  'STORAGE_FULL',
  'STORAGE_IN_USE',
  'STORAGE_MISSING',
  'STORAGE_MOVED',
  'STORAGE_MOVE_BEGUN',
  'STORAGE_OTHER',
  'STORAGE_POOLED',
  'STORAGE_READ_ONLY',
  'STORAGE_SCHEMA_NEWER',
  'STORAGE_SCHEMA_WRONG',
  'STORAGE_SETTINGS_LOST',
  'STORAGE_TARGET_USED',
  'STORAGE_UNREACHABLE',
] as const;
export type StorageCode = (typeof STORAGE_CODES)[number];

export function rowExists(table: string): StateError {
  return new StateError(`a row of ${table} with this name exists already`, {
    code: 'ROW_EXISTS' satisfies StorageCode,
    hint: 'choose another id, or ask for the one that exists',
    retryable: false,
  });
}

export function rowChanged(table: string): StateError {
  return new StateError(`a row of ${table} was changed by somebody else meanwhile`, {
    code: 'ROW_CHANGED' satisfies StorageCode,
    hint: 'read it again and repeat',
  });
}

export function storageError(
  code: StorageCode,
  message: string,
  hint: string,
  more: { readonly cause?: unknown; readonly retryable?: boolean } = {},
): StorageError {
  return new StorageError(message, { code, hint, ...more });
}

/** Of a server that has been used already, or that does not run. */
export function missingStorage(what: string, cause?: unknown): StorageError {
  return storageError(
    'STORAGE_MISSING',
    `${what}: this server never ran, or it keeps its data elsewhere`,
    'set CKM_DATABASE_URL as it is where the server runs, or leave it unset if it is not set there',
    { cause },
  );
}

const BUSY = { message: 'the database is busy', hint: 'try again in a moment', retryable: true } as const;
const FULL = { message: 'the database has no room left', hint: 'free disk space on the server' } as const;
const CORRUPT = {
  message: 'the database file is damaged',
  hint: 'stop the server and restore the database from a backup',
} as const;
/** A file that ends before its end. */
export function cutShort(): StorageError {
  return storageError('STORAGE_CORRUPT', 'the database file was cut short', CORRUPT.hint);
}

const UNREACHABLE = {
  message: 'the database cannot be reached',
  hint: 'check that PostgreSQL runs and CKM_DATABASE_URL is right',
  retryable: true,
} as const;
const CONSTRAINT = {
  message: 'the database refused a row that breaks a rule of its table',
  hint: 'report this: a row was not checked before it was stored',
} as const;

const TOO_MANY_FILES = {
  message: 'the system lets this process open no more files or connections',
  hint: 'allow the server more open files (ulimit -n, LimitNOFILE), then start it again',
  retryable: true,
} as const;
const CANNOT_OPEN = {
  message: 'the database file cannot be opened',
  hint: 'look who owns it and its folder, and how many files the server may open (ulimit -n)',
} as const;

const DRIVER_MISSING = {
  message: 'the SQLite library that is installed has no part for this machine, or it does not load here',
  hint: 'in a clone, run: npm run setup; installed from npm: install it again on this machine',
} as const;

const READ_ONLY = {
  message: 'the database takes nothing that is written: it is a standby, or set to read only',
  hint: 'promote the standby, or point CKM_DATABASE_URL at the primary',
  retryable: true,
} as const;

const FILE_READ_ONLY = {
  message: 'the database file takes nothing that is written',
  hint: 'look whether its disk is mounted for reading only, and whether the server’s user owns it and its folder',
  retryable: true,
} as const;

const KINDS: readonly (readonly [
  RegExp,
  StorageCode,
  { readonly message: string; readonly hint: string; readonly retryable?: boolean },
])[] = [
  [/^SQLITE_(BUSY|LOCKED)|^(40001|40P01|55P03|57014)$/, 'STORAGE_BUSY', BUSY],
  [/^SQLITE_FULL|^SQLITE_IOERR_WRITE|^53100$|^ENOSPC$/, 'STORAGE_FULL', FULL],
  [/^SQLITE_(CORRUPT|NOTADB)|^XX00[12]$/, 'STORAGE_CORRUPT', CORRUPT],
  [/^25006$/, 'STORAGE_READ_ONLY', READ_ONLY],
  [/^SQLITE_READONLY/, 'STORAGE_READ_ONLY', FILE_READ_ONLY],
  [/^E[MN]FILE$/, 'STORAGE_FILES_TOO_MANY', TOO_MANY_FILES],
  [/^(MODULE_NOT_FOUND|ERR_DLOPEN_FAILED)$/, 'STORAGE_DRIVER_MISSING', DRIVER_MISSING],
  [/^SQLITE_CANTOPEN/, 'STORAGE_CANNOT_OPEN', CANNOT_OPEN],
  [/^SQLITE_CONSTRAINT|^23/, 'STORAGE_CONSTRAINT', CONSTRAINT],
  [
    /^(ECONN|EPIPE|ENOENT|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)|^(08|57P|53300|28|3D)/,
    'STORAGE_UNREACHABLE',
    UNREACHABLE,
  ],
  [
    /^SQLITE_|^[0-9A-Z]{5}$/,
    'STORAGE_FAILED',
    { message: 'the database refused', hint: 'look at the disk and the database of the server' },
  ],
];

/** Translates what a database driver throws; anything else is handed back as it is. */
export function fromDriver(error: unknown): unknown {
  if (error instanceof CkmError || !(error instanceof Error)) return error;
  if (
    /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered)/.test(
      error.message,
    )
  ) {
    return storageError('STORAGE_UNREACHABLE', UNREACHABLE.message, UNREACHABLE.hint, {
      cause: error,
      retryable: true,
    });
  }
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  const kind = KINDS.find(([pattern]) => pattern.test(code));
  if (kind === undefined) return error;
  const { message, hint, retryable = false } = kind[2];
  return storageError(kind[1], message, hint, { cause: error, retryable });
}
