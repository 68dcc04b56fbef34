import { type Secret, wipe } from '@ckm/foundation';
import { assertServerPassphrase } from '@ckm/server';
import { resolve } from 'node:path';
import type { Context } from '../command-line/context.js';
import { askAgain } from '../terminal/ask-again.js';
import { askNewPassphrase, askPassphrase, type PassphraseSource } from '../terminal/passphrase.js';

/**
 * The file with the passphrase of a server. Only the flag counts: the environment variable names the owner's, and a
 * server must not come under it by accident.
 */
function passphraseSource({ terminal, flags }: Context): PassphraseSource {
  return { terminal, file: flags.passphraseFile };
}

/** The passphrase that opens a server's storage key, as the server takes it. */
export async function askServerPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askPassphrase(passphraseSource(context), 'Passphrase of the server');
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

/** That of a sealed server whose backup is made under it: from a file as it is, since what makes the backup checks it. */
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
