import { type Problem, toProblem } from '@ckm/api';
import { CkmError, fromFileSystem, StorageError } from '@ckm/foundation';

/** What an owner can do something about, or has to know to understand the rest. None of their words names a place. */
const SAID_IN_FULL: readonly string[] = [
  'EPOCH_KEY_MISSING',
  'KEY_WENT_BACK',
  'ROW_TAMPERED',
  'STORAGE_BUSY',
  'STORAGE_FULL',
  'STORAGE_WENT_BACK',
];
const SOME_FILE = 'a file of this server';

/**
 * What somebody who is not on this machine is told of an error: its code, and in words what kind of thing failed, but not
 * where this server keeps its files, or in what. The operator reads the rest in the log.
 */
export function toldProblem(error: unknown): Problem {
  return toProblem(
    error instanceof StorageError && !SAID_IN_FULL.includes(error.code) ? withoutPlaces(error) : error,
  );
}

function withoutPlaces({ code, cause, httpStatus, retryable }: StorageError): StorageError {
  const ofSystem = fromFileSystem(cause, SOME_FILE);
  const what = ofSystem instanceof CkmError && ofSystem.code === code ? ofSystem.message : undefined;
  return new StorageError(what ?? 'this server cannot use its database, or one of its files', {
    code,
    hint: 'tell the operator of this server: its log names the file and the fault',
    httpStatus,
    retryable,
  });
}
