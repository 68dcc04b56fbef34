import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { withFile } from '@ckm/foundation';

const HEADER_BYTES = 100;

/**
 * Whether a database file is shorter than it says itself. SQLite counts a page of which the end is missing as whole, so that one row
 * or another would be taken for tampered with. A file with a log beside it is left to SQLite, which puts it together again.
 * Source: the database header, https://sqlite.org/fileformat.html §1.3
 */
export function isCutShort(file: string): boolean {
  return withFile(file, () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isFile() !== true || found.size < HEADER_BYTES) return false;
    if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return false;
    const header = headerOf(file);
    const [pageSize, pages] = [header.getUint16(16), header.getUint32(28)];
    // The number of pages counts only where it was written by the last change.
    if (header.getUint32(24) !== header.getUint32(92)) return false;
    return found.size < pages * (pageSize === 1 ? 65_536 : pageSize);
  });
}

function headerOf(file: string): DataView {
  const bytes = new Uint8Array(HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, bytes, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  return new DataView(bytes.buffer);
}
