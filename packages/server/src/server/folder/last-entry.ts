import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '@ckm/foundation';
import type { AuditAnchor } from '../../audit/audit.js';
import type { Vault } from '../../vault/vault.js';
import { LAST_ENTRY_FILE } from './data-dir.js';

/**
 * The end of the audit log, noted outside the database after each commit and before its answer leaves. Nothing waits for
 * the disk: a process that is killed leaves it, a power cut may not, and then the anchor of `audit-anchor.ts` counts, which
 * is at most seconds older.
 */
export interface LastEntry {
  /** Null: never noted, or it does not open, as after a power cut: it only ever adds to the anchor. */
  read(): AuditAnchor | null;
  note(end: AuditAnchor): void;
  close(): void;
}

export function openLastEntry(dataDir: string, vault: Vault): LastEntry {
  const path = join(dataDir, LAST_ENTRY_FILE);
  let descriptor: number | null = null;
  return {
    read: () => readLastEntry(dataDir, vault),
    note(end) {
      const sealed = vault.sealFile(LAST_ENTRY_FILE, encode(end));
      try {
        descriptor ??= openSync(path, existsSync(path) ? 'r+' : 'wx', 0o600);
        writeSync(descriptor, sealed, 0, sealed.length, 0);
      } catch {
        // A full disk, say: whatever keeps the anchor from being noted too says so there.
      }
    },
    close() {
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}

/** As `LastEntry.read`. */
export function readLastEntry(dataDir: string, vault: Vault): AuditAnchor | null {
  const path = join(dataDir, LAST_ENTRY_FILE);
  if (!existsSync(path)) return null;
  try {
    return decode(vault.openFile(LAST_ENTRY_FILE, new Uint8Array(readFileSync(path))));
  } catch {
    return null;
  }
}

/** Always of one length, so that it is written over what was there. */
function encode({ sequence, hash }: AuditAnchor): Uint8Array {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(sequence));
  return concatBytes(number, hash);
}

function decode(bytes: Uint8Array): AuditAnchor {
  const sequence = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  return { sequence, hash: bytes.slice(8) };
}

/** Whichever is further on. Without an anchor the folder is one that was restored, whatever else lies in it. */
export function furthest(anchor: AuditAnchor | null, last: AuditAnchor | null): AuditAnchor | null {
  return anchor !== null && last !== null && last.sequence > anchor.sequence ? last : anchor;
}
