import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { type BackupRecord, encodeRecords, parseRecord } from './records.js';

const bytes = (length: number) => new Uint8Array(randomBytes(length));
const request = (length: number) => ({
  owner: bytes(32),
  requestId: bytes(32),
  keyId: bytes(32),
  state: 'waiting',
  waiting: true,
  version: 1,
  createdAt: 1,
  expiresAt: 2,
  sealed: bytes(length),
});

test('rows that are too long together for one part of a backup are parted, none is lost, and their order stays', () => {
  const rows = Array.from({ length: 7 }, (_, i) => request(100 * i));
  const given: BackupRecord = { kind: 'rows', table: 'requests', rows };
  const parts = encodeRecords(given, 1_000);
  expect(parts.length).toBeGreaterThan(2);
  for (const part of parts) expect(part.length).toBeLessThanOrEqual(1_000);
  const read = parts.map(parseRecord).flatMap((record) => (record.kind === 'rows' ? record.rows : []));
  expect(read).toEqual(rows);
});

test('files are parted as rows are, and a row that is too long by itself is refused before it makes a backup nobody can read', () => {
  const files = Array.from({ length: 5 }, (_, i) => ({
    name: `epoch-keys/${String(i).repeat(64)}`,
    content: bytes(300),
  }));
  const parts = encodeRecords({ kind: 'files', files }, 900).map(parseRecord);
  expect(parts.flatMap((record) => (record.kind === 'files' ? record.files : []))).toEqual(files);
  const long: BackupRecord = { kind: 'rows', table: 'requests', rows: [request(2_000)] };
  expect(() => encodeRecords(long, 1_000)).toThrow(
    expect.objectContaining({ code: 'BACKUP_ROW_TOO_LONG' }) as Error,
  );
});
