import { join } from 'node:path';
import { secret, type Secret } from '@ckm/foundation';
import {
  createIdentity,
  createXidDocument,
  formatEnvelopeUr,
  IDENTITY_SEED_BYTES,
  signXidDocument,
  wipeIdentity,
} from '@ckm/gordian';
import type { ConfigFileInput } from '../config/config-file.js';
import { assertSettings, writeConfigFile } from '../config/load-config.js';
import { createRandom } from '../random.js';
import { createVault } from '../vault/create-vault.js';
import { encodeKeyFile, writePrivateFile } from '../vault/key-file.js';
import { KEY_FILE, SEALED_KEY_FILE } from '../vault/key-source.js';
import { DEFAULT_COST, type PassphraseCost, sealKeyFile } from '../vault/passphrase.js';
import { createStorageKey } from '../vault/storage-key.js';
import { createDataDir, IDENTITY_FILE } from './data-dir.js';

export interface InitServerOptions {
  /** An empty directory, or none yet. */
  readonly dataDir: string;
  /** What goes into `config.json`; all but the name has a default. */
  readonly settings: ConfigFileInput;
  /** With one the server starts sealed; without one the storage key lies in a 0600 file. */
  readonly passphrase?: Secret<Uint8Array>;
  /** For tests: the default takes half a second and 128 MiB. */
  readonly passphraseCost?: PassphraseCost;
}

/**
 * Makes a new server: configuration, storage key, identity. Nothing runs yet.
 * @returns the server's XID document, signed, as `ur:envelope/…`, whose likeness people compare.
 * @throws UsageError `DATA_DIR_USED`, `CONFIG_INVALID`, `PASSPHRASE_TOO_WEAK`.
 */
export async function initServer(options: InitServerOptions): Promise<{ readonly document: string }> {
  const { dataDir, passphrase, passphraseCost = DEFAULT_COST } = options;
  // First: settings or a passphrase that are refused leave nothing behind.
  assertSettings(options.settings);
  const random = createRandom();
  const storageKey = createStorageKey(random);
  const keyFile =
    passphrase === undefined
      ? encodeKeyFile(storageKey)
      : await sealKeyFile(storageKey, passphrase, random, passphraseCost);
  createDataDir(dataDir);
  writeConfigFile(dataDir, options.settings);
  writePrivateFile(join(dataDir, passphrase === undefined ? KEY_FILE : SEALED_KEY_FILE), keyFile);
  keyFile.fill(0);
  const vault = createVault(storageKey, random);
  const seed = random(IDENTITY_SEED_BYTES);
  writePrivateFile(join(dataDir, IDENTITY_FILE), vault.sealFile(IDENTITY_FILE, seed));
  const identity = createIdentity(secret(seed));
  const document = formatEnvelopeUr(signXidDocument(createXidDocument(identity.publicKeys), identity));
  wipeIdentity(identity);
  seed.fill(0);
  vault.wipe();
  return { document };
}
