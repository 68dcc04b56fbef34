import { type Secret, wipe } from '@ckm/foundation';
import { assertServerPassphrase } from '@ckm/server';
import { resolve } from 'node:path';
import type { Context } from '../command-line/context.js';
import { askAgain } from '../terminal/ask-again.js';
import {
  askNewPassphrase,
  askPassphrase,
  openWithPassphrase,
  type PassphraseSource,
} from '../terminal/passphrase.js';

/**
 * The file with the passphrase of a server. Only the flag counts: the environment variable names the owner's, and a
 * server must not come under it by accident.
 */
function passphraseSource({ terminal, flags }: Context): PassphraseSource {
  return { terminal, file: flags.passphraseFile };
}

const QUESTION = 'Passphrase of the server';

/** The passphrase that opens a server's storage key, as the server takes it. */
export async function askServerPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askPassphrase(passphraseSource(context), QUESTION);
}

/**
 * The same for work that tells a wrong one; it is asked for again on a terminal.
 * @throws as {@link openWithPassphrase}
 */
export async function openWithServerPassphrase<T>(
  context: Context,
  open: (passphrase: Secret<Uint8Array>) => Promise<T>,
): Promise<T> {
  return openWithPassphrase(passphraseSource(context), QUESTION, open);
}

/** The same, checked before anything else is asked, and asked again on a terminal. @throws as `assertServerPassphrase` */
export async function askPresentPassphrase(context: Context, folder: string): Promise<Secret<Uint8Array>> {
  const source = passphraseSource(context);
  const attempt = async () => {
    const passphrase = await askPassphrase(source, 'Present passphrase of the server');
    try {
      context.terminal.talk('trying it …');
      await assertServerPassphrase({ dataDir: resolve(folder), passphrase });
      return passphrase;
    } catch (error) {
      wipe(passphrase);
      throw error;
    }
  };
  return source.file === undefined ? askAgain(context.terminal, ['PASSPHRASE_WRONG'], attempt) : attempt();
}

/**
 * That of a sealed server, for work that takes long: on a terminal it is tried first, and asked for again. From a file it is taken as
 * it is, since whoever does the work checks it.
 */
export async function askSealingPassphrase(context: Context, folder: string): Promise<Secret<Uint8Array>> {
  return context.flags.passphraseFile === undefined
    ? askPresentPassphrase(context, folder)
    : askServerPassphrase(context);
}

/** The passphrase that opens a backup. */
export async function askBackupPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askPassphrase(passphraseSource(context), 'Passphrase of the backup');
}

/** A new one for a backup, typed twice. */
export async function askNewBackupPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askNewPassphrase(passphraseSource(context), 'the backup');
}

/** One for a new server, typed twice. */
export async function askNewServerPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askNewPassphrase(passphraseSource(context), 'the server');
}

/** Another one for a server that has one, typed twice. */
export async function askNextServerPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askNewPassphrase(passphraseSource(context), 'the server from now on');
}
