import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';

const MEMORY = '/dev/shm';
/** Bytes that must be free there; a whole run takes a tenth of it. */
const ENOUGH = 4 * 2 ** 30;

/**
 * Puts the temporary folders of all tests into memory, where there is some: they open databases by the thousand, and each
 * commit waits for the disk. A process that is killed leaves the same behind here as there; no test cuts the power.
 * Whoever sets `TMPDIR` has chosen. What all tests of a run may share goes to `CKM_TESTS_SHARED`.
 */
export default function setup(): (() => void) | undefined {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  const folder = mkdtempSync(`${MEMORY}/ckm-tests-`);
  // PostgreSQL runs as a user of its own, and has to get to its folder.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  process.env['CKM_TESTS_SHARED'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > ENOUGH;
  } catch {
    return false;
  }
}
