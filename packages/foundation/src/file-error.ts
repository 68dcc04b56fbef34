import { CkmError, StorageError } from './errors.js';
import { beginningOf } from './text.js';

/** Every code of an error that the system raises about a file or folder. */
const FILE_CODES = [
  'FILES_TOO_MANY',
  'FILE_FORBIDDEN',
  'FILE_IN_THE_WAY',
  'FILE_NAME_TOO_LONG',
  'FILE_NO_ROOM',
  'FILE_PLACE_MISSING',
  'FILE_READ_ONLY',
  'FILE_UNUSABLE',
] as const;
export type FileCode = (typeof FILE_CODES)[number];

/** What the system says about a file: its code, a sentence about the path, what to do. */
type Words = readonly [
  codes: readonly string[],
  code: FileCode,
  sentence: (path: string) => string,
  hint: string,
];

const WORDS: readonly Words[] = [
  [
    ['ENOSPC', 'EDQUOT'],
    'FILE_NO_ROOM',
    (path) => `there is no room left to write ${path}`,
    'free disk space there, then do the same again',
  ],
  [
    ['EROFS'],
    'FILE_READ_ONLY',
    (path) => `${path} cannot be written: its disk is mounted for reading only`,
    'mount it for writing, or name another place; the system mounts a disk that fails like this too',
  ],
  [
    ['EACCES', 'EPERM'],
    'FILE_FORBIDDEN',
    (path) => `this user may not use ${path}, or not enter a folder in front of it`,
    'run this as the user it belongs to, or look who owns it and each folder in front of it',
  ],
  [
    ['ENOENT'],
    'FILE_PLACE_MISSING',
    (path) =>
      `${path} is not there, or cannot be made: a folder in front of it is missing, or a link leads nowhere`,
    'look where it leads (ls -l), make that folder, or name another place',
  ],
  [
    ['EISDIR', 'ENOTDIR', 'ELOOP', 'EEXIST', 'ENOTEMPTY', 'EBUSY', 'ETXTBSY'],
    'FILE_IN_THE_WAY',
    (path) => `something else is in the place of ${path}, or of a folder in front of it`,
    'look what is there (ls -l), and move it out of the way',
  ],
  [
    ['ENAMETOOLONG'],
    'FILE_NAME_TOO_LONG',
    (path) => `the system takes no path as long as ${path}`,
    'choose a shorter one',
  ],
  [
    ['EMFILE', 'ENFILE'],
    'FILES_TOO_MANY',
    (path) => `the system lets this process open no more files; ${path} is one too many`,
    'allow more open files (ulimit -n, LimitNOFILE), then start again',
  ],
];

/** What only files fail with, also where the system names none. */
const OF_DISK = ['ENOSPC', 'EDQUOT', 'EROFS', 'EISDIR', 'EIO'];

/** As much of a path as a line can show. */
const SHOWN_PATH = 200;

/**
 * What the system says about a file or folder, in words: nobody should read of a defect in the program because a disk is full.
 * Anything else is handed back as it is.
 * @param path what it was about; else what the error itself names
 */
export function fromFileSystem(error: unknown, path?: string): unknown {
  if (error instanceof CkmError || !(error instanceof Error)) return error;
  const { code, path: named, syscall } = error as { code?: unknown; path?: unknown; syscall?: unknown };
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  // Sockets and programs fail with such codes too: what those name is no file that somebody works with.
  const isOfFile = typeof named === 'string' && !/^(connect|listen|spawn)/.test(String(syscall));
  const isOfDisk = OF_DISK.includes(code) && /^(read|write|f[a-z]+)$/.test(String(syscall));
  const about = path ?? (isOfFile ? named : isOfDisk ? 'a file' : undefined);
  if (about === undefined) return error;
  const shown = about.length > SHOWN_PATH ? `${beginningOf(about, SHOWN_PATH)}…` : about;
  const [, own, sentence, hint] = WORDS.find(([codes]) => codes.includes(code)) ?? unusable(code);
  return new StorageError(sentence(shown), { code: own, hint, cause: error, facts: { errno: code } });
}

function unusable(errno: string): Words {
  return [
    [],
    'FILE_UNUSABLE',
    (path) => `the system refuses to work with ${path} (${errno})`,
    'look at the disk, and into the log of the system',
  ];
}

/** {@link fromFileSystem} around work with one file. */
export function withFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}
