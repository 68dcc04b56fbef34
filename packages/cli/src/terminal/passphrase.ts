import { EncodingError, secret, type Secret, StorageError, UsageError } from '@ckm/foundation';
import { askHidden } from './prompt.js';
import { readAtMost, readStdinAtMost } from './read-at-most.js';
import type { Terminal } from './terminal.js';

const MOST_BYTES = 4096;
const HINT = 'name a file with --passphrase-file, or run this on a terminal';

/** Where a passphrase may come from. Never a flag's value, never an environment variable's. */
export interface PassphraseSource {
  readonly terminal: Terminal;
  /** A path; `-` is stdin. The first line counts. */
  readonly file: string | undefined;
}

/** A passphrase that opens something. @throws as {@link readPassphraseFile}, or `INPUT_NEEDED`. */
export async function askPassphrase(source: PassphraseSource, question: string): Promise<Secret<string>> {
  if (source.file !== undefined) return readPassphraseFile(source.file);
  return secret(await askHidden(source.terminal, question, HINT));
}

/**
 * A passphrase for something new: typed twice, not empty.
 * @throws UsageError `PASSPHRASE_EMPTY`, `PASSPHRASE_MISMATCH`, `INPUT_NEEDED`
 */
export async function askNewPassphrase(source: PassphraseSource, what: string): Promise<Secret<string>> {
  if (source.file !== undefined) return readPassphraseFile(source.file);
  const first = await askHidden(source.terminal, `Passphrase for ${what}`, HINT);
  if (first === '') throw empty();
  const second = await askHidden(source.terminal, 'The same again', HINT);
  if (first !== second) {
    throw new UsageError('the two passphrases differ', {
      code: 'PASSPHRASE_MISMATCH',
      hint: 'type the same one twice',
    });
  }
  return secret(first);
}

/**
 * The first line of a file or of stdin.
 * @throws StorageError `PASSPHRASE_FILE_UNREADABLE`; UsageError `PASSPHRASE_EMPTY`; EncodingError for anything but text.
 */
export async function readPassphraseFile(path: string): Promise<Secret<string>> {
  const bytes = path === '-' ? await readStdinAtMost(MOST_BYTES + 1) : await readSmallFile(path);
  try {
    const end = bytes.indexOf(0x0a);
    if (end === -1 && bytes.length > MOST_BYTES) throw tooLong();
    const line = new TextDecoder('utf-8', { fatal: true }).decode(
      end === -1 ? bytes : bytes.subarray(0, end),
    );
    const passphrase = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (passphrase === '') throw empty();
    return secret(passphrase);
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
