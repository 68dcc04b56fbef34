import { join } from 'node:path';
import { secret, type Secret, wipe } from '@ckm/foundation';
import { createIdentity, type Identity, wipeIdentity } from '@ckm/gordian';
import type { ServerConfig } from '../../config/config.js';
import type { Random } from '../../context.js';
import { readPrivateFile } from '../../vault/key-file.js';
import { createStaticSeeds, hostSeedOf, type StaticSeeds } from '../../vault/static-seeds.js';
import { handleKeyOf } from '../../vault/handle-key.js';
import type { Vault } from '../../vault/vault.js';
import { IDENTITY_FILE } from '../folder/data-dir.js';

/** What a server has from the file of its identity. */
export interface OwnSecrets {
  readonly identity: Identity;
  readonly staticSeeds: StaticSeeds;
  readonly handleKey: Secret<Uint8Array>;
}

/** @throws StorageError `FILE_…` */
export function openIdentity(
  { config, random }: { readonly config: ServerConfig; readonly random: Random },
  vault: Vault,
): OwnSecrets {
  const { dataDir, backup } = config;
  const seed = secret(vault.openFile(IDENTITY_FILE, readPrivateFile(join(dataDir, IDENTITY_FILE))));
  try {
    const staticSeeds = createStaticSeeds({ backup, hostSeed: hostSeedOf(seed), random });
    return { identity: createIdentity(seed), staticSeeds, handleKey: handleKeyOf(seed) };
  } finally {
    wipe(seed);
  }
}

export function wipeOwn({ identity, staticSeeds, handleKey }: OwnSecrets): void {
  wipeIdentity(identity);
  wipe(handleKey);
  staticSeeds.wipe();
}
