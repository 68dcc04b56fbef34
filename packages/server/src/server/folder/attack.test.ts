import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditAnchor } from '../../audit/audit.js';
import { createLogMemory, type LogMemory } from '../../audit/log-memory.js';
import type { Storage } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';
import { describeGap, noteAnchor, noteStart, readAnchor } from './audit-anchor.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ckm-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const vault = {
  sealFile: (_name: string, plaintext: Uint8Array) => plaintext,
  openFile: (_name: string, sealed: Uint8Array) => sealed,
} as unknown as Vault;

/** A database whose audit log holds so many entries, written by `writer`. */
function logOf(length: number, writer = 1): Storage {
  const row = (sequence: number) => ({ sequence, hash: new Uint8Array(32).fill(16 * writer + sequence) });
  const audit = {
    head: async () => (length === 0 ? null : row(length)),
    list: async (sequence: number) => (sequence <= length ? [row(sequence)] : []),
  };
  return { read: async (work: (reader: unknown) => unknown) => work({ audit }) } as unknown as Storage;
}

/** What a server that has run on these databases, one after the other, notes as the end of its log. */
async function noteAfter(memory: LogMemory, storage: Storage): Promise<AuditAnchor | null> {
  await storage.read(async ({ audit }) => memory.follow(audit, await audit.head()));
  return noteAnchor(dataDir, vault, memory.seen(), readAnchor(dataDir, vault));
}

test('whoever cuts or exchanges the audit log under a running server is refused, and does not get that noted as its head', async () => {
  const memory = createLogMemory();
  const noted = await noteAfter(memory, logOf(9));
  for (const attacked of [logOf(4), logOf(0), logOf(9, 2), logOf(12, 2)]) {
    await expect(noteAfter(memory, attacked)).rejects.toMatchObject({ code: 'STORAGE_WENT_BACK' });
    expect(memory.hasGoneBack()).toBe(true);
    expect(noteAnchor(dataDir, vault, memory.seen(), noted)).toEqual(noted);
    expect(readAnchor(dataDir, vault)).toEqual(noted);
    expect(await describeGap(attacked, readAnchor(dataDir, vault))).not.toBeNull();
  }
  expect((await noteAfter(memory, logOf(11)))?.sequence).toBe(11);
  expect(memory.hasGoneBack()).toBe(false);
});

test('a log with entries and no noted head is one that was restored; only a log without entries may start so', async () => {
  expect(await describeGap(logOf(9), null)).toBe('audit.head is missing and the log has 9 entries');
  expect(await describeGap(logOf(0), null)).toBeNull();
  expect(await noteStart(dataDir, vault, logOf(9))).toBeNull();
  const start = await noteStart(dataDir, vault, logOf(0));
  expect(start?.sequence).toBe(0);
  // A start that was cut short after its first entries goes on from there.
  expect(await describeGap(logOf(2), readAnchor(dataDir, vault))).toBeNull();
  expect((await noteAfter(createLogMemory(), logOf(2)))?.sequence).toBe(2);
});
