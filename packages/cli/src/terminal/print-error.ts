import { AvailabilityError, BugError, CkmError, fromFileSystem } from '@ckm/foundation';
import { asCalled } from './called-as.js';
import { folderGone } from './gone-folder.js';
import { plainText } from './plain-text.js';
import { fillIn, formatRemedy, type TypedWords, wordsOf } from './remedy-words.js';

/** Whatever was thrown, as one of our errors. What is none of ours, and not the system's word on a file, is a defect of ours. */
export function toCkmError(thrown: unknown): CkmError {
  const error = folderGone(thrown) ?? fromFileSystem(thrown);
  if (error instanceof CkmError) return error;
  if (isMissingPackage(error)) {
    return new AvailabilityError(`a package that ckm needs is not there: ${error.message.split('\n')[0]}`, {
      code: 'PACKAGE_MISSING',
      hint: 'in a clone, run: npm run setup; installed from npm: install it again on this machine',
      retryable: false,
      cause: error,
    });
  }
  return new BugError('internal error', {
    code: 'INTERNAL',
    hint: 'run again with CKM_TRACE=1 and report what it prints',
    cause: error,
  });
}

/** Each command is read when it is used, and so is what it needs. */
function isMissingPackage(error: unknown): error is Error {
  return (
    error instanceof Error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String((error as { code?: unknown }).code))
  );
}

/** The three lines of an error: what, what to do, and the stable code. @param typed what the hint may name of the command line */
export function errorLines(error: CkmError, typed: TypedWords = {}): string {
  const evidence = error.facts['evidence'];
  const saved = typeof evidence === 'string' ? ` · evidence saved: ${plainText(evidence)}` : '';
  return [
    `ckm: error: ${plainText(error.message)}`,
    `ckm: hint: ${plainText(hintOf(error, typed))}`,
    `ckm: code: ${plainText(error.code)}${saved} · ckm explain ${plainText(error.code)}`,
  ]
    .map((line) => asCalled(line))
    .join('\n');
}

function hintOf({ hint, remedy }: CkmError, typed: TypedWords): string {
  return remedy === null ? fillIn(hint, typed) : formatRemedy(remedy, hint, typed);
}

/** The same for machines. */
export function errorObject(error: CkmError, typed: TypedWords = {}): unknown {
  const { code, message, hint, errorClass, exitCode, retryable, facts, remedy } = error;
  const offered = remedy === null ? null : { ...remedy, command: wordsOf(remedy, typed).command };
  return { error: { code, message, hint, errorClass, exitCode, retryable, facts, remedy: offered } };
}
