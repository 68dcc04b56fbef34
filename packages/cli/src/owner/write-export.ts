import { existsSync } from 'node:fs';
import { mkdir, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CertifiedKey, KeyExport } from '@ckm/client';
import { isErrno, makePrivateFolder, storageErrorOf } from '@ckm/client/node';
import { UsageError } from '@ckm/foundation';
import { assertWritable, writeOut } from '../terminal/write-out.js';
import { exportedKeyFile, exportedShareFile, type ExportFormat } from './export-files.js';

/** Where an exported key is to go: one file for the whole of it, or a folder for its shares. */
export type ExportTarget = { readonly file: string } | { readonly folder: string };

/** @throws UsageError `OPTION_INVALID` unless one of the two is named */
export function parseTarget(to: string | undefined, shares: string | undefined): ExportTarget {
  if (to !== undefined && shares === undefined) return { file: to };
  if (to === undefined && shares !== undefined) return { folder: shares };
  throw new UsageError('say where the key is to go: --to FILE, or --shares DIR', {
    code: 'OPTION_INVALID',
    hint: 'name one of the two; a key is never shown on the terminal',
  });
}

/**
 * Refuses before any server is asked for a share what could not be written then. A folder for shares is made, and removed again where it
 * is not used.
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`
 */
export async function assertTarget(
  target: ExportTarget,
  { public: { quorum } }: CertifiedKey,
  flags: { readonly preview?: true },
): Promise<void> {
  if ('file' in target) return assertWritable(target.file, flags);
  const { folder } = target;
  const isPreview = flags.preview === true;
  if (isPreview && !existsSync(folder)) return;
  const isMade = !isPreview && (await makeFolder(folder));
  try {
    const files = Array.from({ length: quorum.of }, (_, i) => shareFile(folder, i + 1));
    for (const file of files) await assertWritable(file, { preview: true });
    await assertWritable(files[0], flags);
  } finally {
    if (isMade) await rmdir(folder).catch(() => undefined);
  }
}

/**
 * Writes all of it or nothing: what was written before another file failed is removed.
 * @returns the names of the files
 * @throws as {@link assertTarget}
 */
export async function writeExport(
  key: CertifiedKey,
  { scalar, shares }: NonNullable<KeyExport['exported']>,
  target: ExportTarget,
  format: ExportFormat,
): Promise<readonly string[]> {
  if ('file' in target) {
    await writeAway(target.file, exportedKeyFile(key, scalar, format));
    return [target.file];
  }
  await makeFolder(target.folder);
  const written: string[] = [];
  try {
    for (const one of shares) {
      const path = shareFile(target.folder, one.slot);
      await writeAway(path, exportedShareFile(key, one));
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await unlink(path).catch(() => undefined);
    throw error;
  }
  return written;
}

function shareFile(folder: string, slot: number): string {
  return join(folder, `share-${slot}.txt`);
}

/** @returns false: it was there */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await makePrivateFolder(dirname(folder));
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) return false;
    throw storageErrorOf('FILE_UNWRITABLE', folder, cause);
  }
}

async function writeAway(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeOut(path, bytes);
  } finally {
    bytes.fill(0);
  }
}
