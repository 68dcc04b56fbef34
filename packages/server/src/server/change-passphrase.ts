import { join } from 'node:path';
import { concatBytes, reveal, secret, type Secret, UsageError, wipe } from '@ckm/foundation';
import { readEnv } from '../config/env.js';
import { createRandom } from '../random.js';
import { passphraseChanged, passphraseUnused } from '../vault/codes.js';
import { readPrivateFile } from '../vault/key-file.js';
import { findKeySource, type KeySource, SEALED_KEY_FILE } from '../vault/key-source.js';
import { openKeyFile } from '../vault/passphrase.js';
import { wipeStorageKey } from '../vault/storage-key.js';
import { claimControlSocket } from './folder/control-socket.js';
import { assertDataDir } from './folder/data-dir.js';
import { guardSecrets } from './process/guard-secrets.js';
import { logPassphraseChange } from './secrets/log-passphrase-change.js';
import type { OpenServer } from './open-server.js';

/** The passphrase that opens the storage key now, and the one that is to. Both are wiped by whoever takes them. */
export interface Passphrases {
  readonly present: Secret<Uint8Array>;
  readonly next: Secret<Uint8Array>;
}

/** Both in one secret: the length of the first in two bytes, the first, the second. Wipes what it takes. */
export function encodePassphrases({ present, next }: Passphrases): Secret<Uint8Array> {
  const [first, second] = [present, next].map((one) => reveal(one, 'send it to the server'));
  const { length } = first!;
  const both = secret(concatBytes(Uint8Array.of(length >> 8, length & 0xff), first!, second!));
  wipe(present);
  wipe(next);
  return both;
}

/** @param both wiped. @throws UsageError `OPERATOR_INPUT_INVALID` */
export function parsePassphrases(both: Secret<Uint8Array>): Passphrases {
  const bytes = reveal(both, 'take it apart');
  try {
    const end = 2 + (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
    if (bytes.length < 2 || end > bytes.length) {
      throw new UsageError('two passphrases were expected', {
        code: 'OPERATOR_INPUT_INVALID',
        hint: 'compare the versions of this program and the server',
      });
    }
    return { present: secret(bytes.slice(2, end)), next: secret(bytes.slice(end)) };
  } finally {
    wipe(both);
  }
}

/**
 * Keeps the storage key of a server under another passphrase, whether it is open, which is then in its log, or sealed: then it
 * comes into its log when it is opened.
 * @throws as `KeySource.preparePassphrase`; StorageError `PASSPHRASE_CHANGED` when it was changed and something behind that failed
 */
export async function changePassphraseOf(
  source: KeySource,
  open: OpenServer | null,
  { present, next }: Passphrases,
): Promise<void> {
  const change = await source.preparePassphrase(present, next, createRandom());
  try {
    change.apply();
    if (open !== null) await logPassphraseChange(open.context, source);
  } catch (error) {
    throw change.isApplied() ? passphraseChanged(error) : error;
  }
  open?.context.events.operatorActed({ action: 'passphrase' });
}

/**
 * Makes sure that a passphrase opens the storage key of a server, whether it runs or not.
 * @param passphrase is not wiped
 * @throws AccessError `PASSPHRASE_WRONG`; UsageError `PASSPHRASE_UNUSED` for a server that has none; StorageError `KEY_FILE_…`
 */
export async function assertServerPassphrase(options: {
  readonly dataDir: string;
  readonly passphrase: Secret<Uint8Array>;
  readonly variables?: Readonly<Record<string, string | undefined>>;
}): Promise<void> {
  const { dataDir, passphrase } = options;
  const { storageKeyFile = null } = readEnv(options.variables);
  guardSecrets(options.variables);
  assertDataDir(dataDir);
  const source = findKeySource(dataDir, storageKeyFile, () => Math.floor(Date.now() / 1000));
  if (!source.sealed) throw passphraseUnused();
  // Not by the source: that would finish what the server itself may be doing with its key files.
  wipeStorageKey(await openKeyFile(readPrivateFile(join(dataDir, SEALED_KEY_FILE)), passphrase));
}

/**
 * {@link changePassphraseOf} for a server that does not run; ask a running one with `connectOperator().changePassphrase()`.
 * @throws UsageError `SERVER_RUNNING`, `DATA_DIR_…`; else as {@link changePassphraseOf}
 */
export async function changePassphrase(
  options: Passphrases & {
    readonly dataDir: string;
    readonly variables?: Readonly<Record<string, string | undefined>>;
  },
): Promise<void> {
  const { dataDir } = options;
  const { storageKeyFile = null } = readEnv(options.variables);
  assertDataDir(dataDir);
  await claimControlSocket(dataDir);
  const source = findKeySource(dataDir, storageKeyFile, () => Math.floor(Date.now() / 1000));
  await changePassphraseOf(source, null, options);
}
