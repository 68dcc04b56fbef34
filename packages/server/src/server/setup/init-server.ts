import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8, secret, type Secret } from '@ckm/foundation';
import {
  createIdentity,
  createXidDocument,
  formatEnvelopeUr,
  IDENTITY_SEED_BYTES,
  signXidDocument,
  wipeIdentity,
} from '@ckm/gordian';
import type { ConfigFileInput } from '../../config/config-file.js';
import { CONFIG_FILE, formatConfigFile } from '../../config/load-config.js';
import { createRandom } from '../../random.js';
import { createVault } from '../../vault/create-vault.js';
import { encodeKeyFile, writePrivateFile } from '../../vault/key-file.js';
import { KEY_FILE, SEALED_KEY_FILE } from '../../vault/key-source.js';
import { DEFAULT_COST, type PassphraseCost, sealKeyFile } from '../../vault/passphrase.js';
import { createStorageKey, type StorageKey } from '../../vault/storage-key.js';
import { createDataDir, IDENTITY_FILE } from '../folder/data-dir.js';

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
 * Makes a new server: storage key, identity, configuration. Nothing runs yet. Whatever fails leaves nothing behind.
 * @returns the server's XID document, signed, as `ur:envelope/…`, whose likeness people compare.
 * @throws UsageError `DATA_DIR_USED`, `DATA_DIR_FOREIGN`, `CONFIG_INVALID`, `PASSPHRASE_TOO_WEAK`; StorageError `FILE_…`
 */
export async function initServer(options: InitServerOptions): Promise<{ readonly document: string }> {
  const { dataDir, passphrase, passphraseCost = DEFAULT_COST } = options;
  const config = encodeUtf8(formatConfigFile(options.settings));
  const random = createRandom();
  const storageKey = createStorageKey(random);
  const key =
    passphrase === undefined
      ? { name: KEY_FILE, bytes: encodeKeyFile(storageKey) }
      : { name: SEALED_KEY_FILE, bytes: await sealKeyFile(storageKey, passphrase, random, passphraseCost) };
  const removeDataDir = createDataDir(dataDir);
  try {
    writePrivateFile(join(dataDir, key.name), key.bytes);
    const document = writeIdentity(dataDir, storageKey);
    // The last one: without it there is no server in the directory.
    writePrivateFile(join(dataDir, CONFIG_FILE), config);
    return { document };
  } catch (error) {
    for (const name of [CONFIG_FILE, IDENTITY_FILE, key.name]) rmSync(join(dataDir, name), { force: true });
    removeDataDir();
    throw error;
  } finally {
    key.bytes.fill(0);
  }
}

/** @param storageKey wiped */
function writeIdentity(dataDir: string, storageKey: StorageKey): string {
  const random = createRandom();
  const vault = createVault(storageKey, random);
  const seed = random(IDENTITY_SEED_BYTES);
  try {
    writePrivateFile(join(dataDir, IDENTITY_FILE), vault.sealFile(IDENTITY_FILE, seed));
    const identity = createIdentity(secret(seed));
    const document = formatEnvelopeUr(signXidDocument(createXidDocument(identity.publicKeys), identity));
    wipeIdentity(identity);
    return document;
  } finally {
    seed.fill(0);
    vault.wipe();
  }
}
