import type { Secret } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
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

/** The passphrase that opens a backup. */
export async function askBackupPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askPassphrase(passphraseSource(context), 'Passphrase of the backup');
}

/** A new one for a backup, typed twice. */
export async function askNewBackupPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askNewPassphrase(passphraseSource(context), 'the backup');
}

/** A new one, typed twice. */
export async function askNewServerPassphrase(context: Context): Promise<Secret<Uint8Array>> {
  return askNewPassphrase(passphraseSource(context), 'the server');
}
