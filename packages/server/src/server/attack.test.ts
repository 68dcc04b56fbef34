import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Storage } from '../storage/storage.js';
import type { Vault } from '../vault/vault.js';
import { describeGap, noteAnchor, readAnchor } from './audit-anchor.js';

const dataDir = mkdtempSync(join(tmpdir(), 'ckm-'));
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
