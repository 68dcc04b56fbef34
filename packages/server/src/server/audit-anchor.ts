import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { AuditAnchor } from '../audit/audit.js';
import type { Storage } from '../storage/storage.js';
import { writePrivateFile } from '../vault/key-file.js';
import type { Vault } from '../vault/vault.js';
import { ANCHOR_FILE } from './data-dir.js';

const schema = z.strictObject({
  sequence: z.int().min(1),
  hash: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === 32),
});

/** The head of the audit log as it was noted last, outside the database. */
export function readAnchor(dataDir: string, vault: Vault): AuditAnchor | null {
  const path = join(dataDir, ANCHOR_FILE);
  if (!existsSync(path)) return null;
  return schema.parse(decodeData(vault.openFile(ANCHOR_FILE, new Uint8Array(readFileSync(path)))));
}

/**
 * Notes the head of the audit log; returns it. Does nothing when it is the one noted last, and keeps that one when the log
 * does not go on from it: somebody who cuts the log under a running server must not have that confirmed.
 */
export async function noteAnchor(
  dataDir: string,
  vault: Vault,
  storage: Storage,
  last: AuditAnchor | null,
): Promise<AuditAnchor | null> {
  const head = await storage.read(({ audit }) => audit.head());
  if (head === null || head.sequence === last?.sequence) return last;
  if ((await describeGap(storage, last)) !== null) return last;
  const { sequence, hash } = head;
  writePrivateFile(join(dataDir, ANCHOR_FILE), vault.sealFile(ANCHOR_FILE, encodeData({ sequence, hash })), {
    replace: true,
  });
  return { sequence, hash };
}

/** How the log in the database differs from the anchor, in words; null: it goes on from there. */
export async function describeGap(storage: Storage, anchor: AuditAnchor | null): Promise<string | null> {
  if (anchor === null) return null;
  const [head, [row]] = await storage.read(
    async ({ audit }) => [await audit.head(), await audit.list(anchor.sequence, 1)] as const,
  );
  const length = head?.sequence ?? 0;
  if (length < anchor.sequence) return `the log had ${anchor.sequence} entries and has ${length}`;
  const same = row !== undefined && row.sequence === anchor.sequence && equalBytes(row.hash, anchor.hash);
  return same ? null : `entry ${anchor.sequence} is another one than before`;
}
