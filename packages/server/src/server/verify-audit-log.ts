import { encodeHex, type Secret } from '@ckm/foundation';
import { createAuditLog } from '../audit/create-audit-log.js';
import { readEnv } from '../config/env.js';
import { loadConfig } from '../config/load-config.js';
import type { OperatorAuditVerification } from '../control/schemas/audit.js';
import { createRandom } from '../random.js';
import { openStoppedStorage } from './database/own-database.js';
import { createVault } from '../vault/create-vault.js';
import { findKeySource } from '../vault/key-source.js';
import { readAnchor } from './folder/audit-anchor.js';
import { assertDataDir } from './folder/data-dir.js';

/**
 * Checks the audit log of a server that is *not* running; ask a running one with `connectOperator().verifyAudit()`.
 * @throws StorageError `STORAGE_IN_USE` when it runs, `STORAGE_OTHER`, `STORAGE_MISSING`, `STORAGE_KEY_WRONG`, `KEY_FILE_…`; AccessError `PASSPHRASE_WRONG`.
 */
export async function verifyAuditLog(options: {
  readonly dataDir: string;
  readonly passphrase?: Secret<Uint8Array>;
  readonly variables?: Readonly<Record<string, string | undefined>>;
}): Promise<OperatorAuditVerification> {
  const { dataDir } = options;
  const env = readEnv(options.variables);
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, env);
  const now = () => Math.floor(Date.now() / 1000);
  const random = createRandom();
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, now);
  const { current, earlier } = await source.open(options.passphrase ?? null);
  const vault = createVault(current, random, earlier);
  try {
    const storage = await openStoppedStorage(config, vault);
    try {
      const audit = createAuditLog({ vault, clock: now, random });
      const verification = await audit.verify(storage, readAnchor(dataDir, vault));
      return verification.ok ? { ...verification, head: encodeHex(verification.head) } : verification;
    } finally {
      await storage.close();
    }
  } finally {
    vault.wipe();
  }
}
