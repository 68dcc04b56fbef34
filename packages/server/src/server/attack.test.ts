import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Storage } from '../storage/storage.js';
import type { Vault } from '../vault/vault.js';
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

test('whoever cuts or exchanges the audit log under a running server does not get that noted as its head', async () => {
  const noted = await noteAnchor(dataDir, vault, logOf(9), null);
  for (const attacked of [logOf(4), logOf(0), logOf(12, 2)]) {
    expect(await noteAnchor(dataDir, vault, attacked, noted)).toEqual(noted);
    expect(readAnchor(dataDir, vault)).toEqual(noted);
    expect(await describeGap(attacked, readAnchor(dataDir, vault))).not.toBeNull();
  }
  expect((await noteAnchor(dataDir, vault, logOf(11), noted))?.sequence).toBe(11);
});

test('a log with entries and no noted head is one that was restored; only a log without entries may start so', async () => {
  expect(await describeGap(logOf(9), null)).toBe('audit.head is missing and the log has 9 entries');
  expect(await describeGap(logOf(0), null)).toBeNull();
  expect(await noteStart(dataDir, vault, logOf(9))).toBeNull();
  const start = await noteStart(dataDir, vault, logOf(0));
  expect(start?.sequence).toBe(0);
  // A start that was cut short after its first entries goes on from there.
  expect(await describeGap(logOf(2), readAnchor(dataDir, vault))).toBeNull();
  expect((await noteAnchor(dataDir, vault, logOf(2), start))?.sequence).toBe(2);
});
