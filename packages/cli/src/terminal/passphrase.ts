import {
  encodeUtf8,
  EncodingError,
  equalBytes,
  reveal,
  secret,
  type Secret,
  StorageError,
  UsageError,
  wipe,
} from '@ckm/foundation';
import { stat } from 'node:fs/promises';
import { askAgain } from './ask-again.js';
import { askHiddenBytes, askNewBytes } from './ask-hidden-bytes.js';
import { whileChecking } from './checking.js';
import { readAtMost, readStdinAtMost } from './read-at-most.js';
import { isDumb, type Terminal } from './terminal.js';

const CARRIAGE_RETURN = 0x0d;
const MOST_BYTES = 4096;
/** Of a new passphrase, in UTF-8. */
const LEAST_BYTES = 12;
const RULE = `${LEAST_BYTES} characters or more; five random words are good`;
const LOOK = '; Tab shows it, and then once is enough';
const HINT = 'name a file with --passphrase-file or CKM_PASSPHRASE_FILE, or run this on a terminal';

/** Where a passphrase may come from. Never a flag's value, never an environment variable's. */
export interface PassphraseSource {
  readonly terminal: Terminal;
  /** A path; `-` is stdin. The first line counts. */
  readonly file: string | undefined;
}

/** A passphrase that opens something, as UTF-8 in NFC. The caller wipes it. @throws as {@link readPassphraseFile}, or `INPUT_NEEDED`. */
export async function askPassphrase(source: PassphraseSource, question: string): Promise<Secret<Uint8Array>> {
  if (source.file !== undefined) return readPassphraseFile(source.terminal, source.file);
  return typedPassphrase(source.terminal, question);
}

/**
 * A passphrase for something new, owner's or server's: looked at or typed twice, and not a short one.
 * @throws UsageError `PASSPHRASE_EMPTY`, `PASSPHRASE_TOO_WEAK`, `PASSPHRASE_MISMATCH`, `INPUT_NEEDED`
 */
export async function askNewPassphrase(source: PassphraseSource, what: string): Promise<Secret<Uint8Array>> {
  if (source.file !== undefined) {
    const read = await readPassphraseFile(source.terminal, source.file);
    try {
      assertStrong(read);
      return read;
    } catch (error) {
      wipe(read);
      throw error;
    }
  }
  const { terminal } = source;
  const question = `Passphrase for ${what} (${RULE}${isDumb() ? '' : LOOK})`;
  return askAgain(terminal, TYPING_ERRORS, async () => {
    const { typed, wasSeen } = await askNewBytes(terminal, question, HINT);
    const first = readTyped(typed);
    try {
      if (reveal(first, 'measuring a new passphrase').length === 0) throw empty();
      assertStrong(first);
      if (!wasSeen) assertSame(first, await typedPassphrase(terminal, 'The same again'));
      return first;
    } catch (error) {
      wipe(first);
      throw error;
    }
  });
}

async function typedPassphrase(terminal: Terminal, question: string): Promise<Secret<Uint8Array>> {
  return readTyped(await askHiddenBytes(terminal, question, HINT));
}

function readTyped(typed: Secret<Uint8Array>): Secret<Uint8Array> {
  try {
    return composed(reveal(typed, 'composing its letters'));
  } catch (cause) {
    throw new UsageError('what was typed is not UTF-8 text', {
      code: 'PASSPHRASE_UNREADABLE',
      hint: 'set the terminal to UTF-8, or name a file with --passphrase-file',
      cause,
    });
  } finally {
    wipe(typed);
  }
}

/**
 * A copy in one spelling, however the keyboard composes letters (Unicode NFC). What is plain ASCII is never a string; other
 * letters have to be one for a moment.
 * @throws TypeError for anything but UTF-8
 */
function composed(bytes: Uint8Array): Secret<Uint8Array> {
  if (bytes.every((byte) => byte < 0x80)) return secret(bytes.slice());
  return secret(
    encodeUtf8(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).normalize('NFC')),
  );
}

function assertSame(first: Secret<Uint8Array>, second: Secret<Uint8Array>): void {
  const isSame = equalBytes(reveal(first, 'comparing'), reveal(second, 'comparing'));
  wipe(second);
  if (isSame) return;
  throw new UsageError('the two passphrases differ', {
    code: 'PASSPHRASE_MISMATCH',
    hint: 'type the same one twice',
  });
}

const TYPING_ERRORS = ['PASSPHRASE_EMPTY', 'PASSPHRASE_TOO_WEAK', 'PASSPHRASE_MISMATCH'];

/**
 * Asks on a terminal for the passphrase that opens something, again when it does not.
 * @param open what is done with it; throws AccessError `PASSPHRASE_WRONG` for another one
 * @throws as {@link askPassphrase} and `open`; a passphrase out of a file is tried once
 */
export async function openWithPassphrase<T>(
  source: PassphraseSource,
  question: string,
  open: (passphrase: Secret<Uint8Array>) => Promise<T>,
): Promise<T> {
  const attempt = async () => {
    const passphrase = await askPassphrase(source, question);
    try {
      return await whileChecking(source.terminal, open(passphrase));
    } finally {
      wipe(passphrase);
    }
  };
  return source.file === undefined ? askAgain(source.terminal, ['PASSPHRASE_WRONG'], attempt) : attempt();
}

/**
 * The first line of a file or of stdin.
 * @throws StorageError `PASSPHRASE_FILE_UNREADABLE`; UsageError `PASSPHRASE_EMPTY`; EncodingError for anything but text.
 */
async function readPassphraseFile(terminal: Terminal, path: string): Promise<Secret<Uint8Array>> {
  await warnIfExposed(terminal, path);
  const bytes = path === '-' ? await readStdinAtMost(MOST_BYTES + 1) : await readSmallFile(path);
  try {
    const end = bytes.indexOf(0x0a);
    if (end === -1 && bytes.length > MOST_BYTES) throw tooLong();
    const line = end === -1 ? bytes : bytes.subarray(0, end);
    const passphrase = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
    if (passphrase.length === 0) throw empty();
    return composed(passphrase);
  } catch (error) {
    if (error instanceof UsageError || error instanceof EncodingError) throw error;
    throw new EncodingError('the passphrase file is not text', {
      code: 'PASSPHRASE_FILE_UNREADABLE',
      hint: 'write the passphrase as the first line of a UTF-8 text file',
    });
  } finally {
    bytes.fill(0);
  }
}

/** What everybody on the machine may read is no secret. Pipes and the like belong to whoever made them. */
async function warnIfExposed(terminal: Terminal, path: string): Promise<void> {
  const found = path === '-' ? undefined : await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || (found.mode & 0o077) === 0) return;
  terminal.warn(`ckm: warning: others on this machine can read the passphrase file: chmod go-rwx ${path}`);
}

/** The rule for servers (`MIN_PASSPHRASE_BYTES` of their vault) and for owners alike: whoever copies a file may try. */
function assertStrong(passphrase: Secret<Uint8Array>): void {
  if (reveal(passphrase, 'measuring a new passphrase').length >= LEAST_BYTES) return;
  throw new UsageError(`a passphrase has at least ${LEAST_BYTES} characters`, {
    code: 'PASSPHRASE_TOO_WEAK',
    hint: 'use five or more random words',
  });
}

async function readSmallFile(path: string): Promise<Uint8Array> {
  try {
    return await readAtMost(path, MOST_BYTES + 1);
  } catch (cause) {
    throw new StorageError(`the passphrase file cannot be read: ${path}`, {
      code: 'PASSPHRASE_FILE_UNREADABLE',
      hint: 'check that the file exists and that you may read it',
      cause,
    });
  }
}

function tooLong(): EncodingError {
  return new EncodingError(`the first line of the passphrase file is longer than ${MOST_BYTES} bytes`, {
    code: 'PASSPHRASE_FILE_UNREADABLE',
    hint: 'write the passphrase as the first line of a UTF-8 text file',
  });
}

function empty(): UsageError {
  return new UsageError('the passphrase is empty', {
    code: 'PASSPHRASE_EMPTY',
    hint: 'use a passphrase of several words',
  });
}
