import { EncodingError, secret, type Secret, StorageError, UsageError } from '@ckm/foundation';
import { readFile } from 'node:fs/promises';
import { askHidden } from './prompt.js';
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
  const bytes = path === '-' ? await readStdin() : await readSmallFile(path);
  try {
    const end = bytes.indexOf(0x0a);
    const line = new TextDecoder('utf-8', { fatal: true }).decode(
      end === -1 ? bytes : bytes.subarray(0, end),
    );
    const passphrase = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (passphrase === '') throw empty();
    return secret(passphrase);
  } catch (error) {
    if (error instanceof UsageError) throw error;
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
    const bytes = new Uint8Array(await readFile(path));
    return bytes.subarray(0, MOST_BYTES);
  } catch (cause) {
    throw new StorageError(`the passphrase file cannot be read: ${path}`, {
      code: 'PASSPHRASE_FILE_UNREADABLE',
      hint: 'check that the file exists and that you may read it',
      cause,
    });
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= MOST_BYTES) break;
  }
  const all = new Uint8Array(Buffer.concat(chunks));
  for (const chunk of chunks) chunk.fill(0);
  return all.subarray(0, MOST_BYTES);
}

function empty(): UsageError {
  return new UsageError('the passphrase is empty', {
    code: 'PASSPHRASE_EMPTY',
    hint: 'use a passphrase of several words',
  });
}
