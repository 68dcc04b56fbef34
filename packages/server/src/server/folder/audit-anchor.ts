import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, withFile } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { AuditAnchor } from '../../audit/audit.js';
import type { Storage } from '../../storage/storage.js';
import { countEpochKeys } from '../../vault/epoch-keys.js';
import { writePrivateFile } from '../../vault/key-file.js';
import { vaultError } from '../../vault/codes.js';
import type { Vault } from '../../vault/vault.js';
import { ANCHOR_FILE } from './data-dir.js';

const schema = z.strictObject({
  sequence: z.int().min(0),
  hash: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === 32),
});

/**
 * The head of the audit log as it was noted last, outside the database. Null: there is no such file, because the server
 * never ran or because its folder was restored from a backup, which does not hold it.
 */
export function readAnchor(dataDir: string, vault: Vault): AuditAnchor | null {
  const path = join(dataDir, ANCHOR_FILE);
  if (!existsSync(path)) return null;
  const sealed = withFile(path, () => new Uint8Array(readFileSync(path)));
  return schema.parse(decodeData(openAnchor(vault, sealed)));
}

/** No backup holds it, and none is needed: whoever damaged it could have removed it, and that is noticed. */
function openAnchor(vault: Vault, sealed: Uint8Array): Uint8Array {
  try {
    return vault.openFile(ANCHOR_FILE, sealed);
  } catch (cause) {
    throw vaultError(
      'FILE_TAMPERED',
      `${ANCHOR_FILE}, which says where the audit log ended, is damaged`,
      `find out who could write there, then remove ${ANCHOR_FILE} and start: open ceremonies end, and the log says that it was missing`,
      cause,
    );
  }
}

/**
 * Notes the newest end of the log that this process has seen (`AuditLog.seen`); returns what is noted then. It never goes
 * back: somebody who cuts the log under a running server must not have that confirmed.
 */
export function noteAnchor(
  dataDir: string,
  vault: Vault,
  seen: AuditAnchor | null,
  last: AuditAnchor | null,
): AuditAnchor | null {
  return seen === null || seen.sequence === last?.sequence ? last : writeAnchor(dataDir, vault, seen);
}

/**
 * The anchor of a log without entries, noted before the first one is written: from then on a log without the file is one
 * that was restored, also when the very first start was cut short.
 */
export async function noteStart(
  dataDir: string,
  vault: Vault,
  storage: Storage,
): Promise<AuditAnchor | null> {
  if ((await storage.read(({ audit }) => audit.head())) !== null) return null;
  return writeAnchor(dataDir, vault, { sequence: 0, hash: new Uint8Array(32) });
}

function writeAnchor(dataDir: string, vault: Vault, anchor: AuditAnchor): AuditAnchor {
  const { sequence, hash } = anchor;
  writePrivateFile(join(dataDir, ANCHOR_FILE), vault.sealFile(ANCHOR_FILE, encodeData({ sequence, hash })), {
    replace: true,
  });
  return anchor;
}

/**
 * How the log in the database differs from the anchor, in words; null: it goes on from there. A log with entries and no
 * anchor is one that somebody put there: a server notes where its log starts before it writes to it.
 */
export async function describeGap(storage: Storage, anchor: AuditAnchor | null): Promise<string | null> {
  const [head, [row]] = await storage.read(
    async ({ audit }) => [await audit.head(), await audit.list(anchor?.sequence ?? 1, 1)] as const,
  );
  const length = head?.sequence ?? 0;
  if (anchor === null)
    return length === 0 ? null : `${ANCHOR_FILE} is missing and the log has ${length} entries`;
  if (anchor.sequence === 0) return null;
  if (length < anchor.sequence) return `the log had ${anchor.sequence} entries and has ${length}`;
  const same = row !== undefined && row.sequence === anchor.sequence && equalBytes(row.hash, anchor.hash);
  return same ? null : `entry ${anchor.sequence} is another one than before`;
}

/**
 * What tells that there was another database before one that is new: keys of shares. Every note in the folder may have been removed
 * with it. Null: the database is not new, or nothing tells of a former one.
 */
export async function describeFormer(
  storage: Storage,
  config: Parameters<typeof countEpochKeys>[0],
): Promise<string | null> {
  if ((await storage.read(({ audit }) => audit.head())) !== null) return null;
  const shares = countEpochKeys(config);
  return shares === 0
    ? null
    : `the database is new, and the keys of ${shares} shares of a former one lie beside it`;
}
