import { CkmError } from '@ckm/foundation';
import { rowChanged } from './codes.js';
import type { KeyRow, Reader } from './storage.js';

/**
 * Does to one row what is done to many: one that is not what this server stored is reported, and stops none of the others.
 * @param report where the error goes
 */
export async function passIfTampered(
  report: (failure: CkmError) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    report(error);
  }
}

/**
 * Does something with rows that belong to the head of a key. Where they do not fit it the head is looked at once more: when it
 * has been changed since it was read, by somebody with a right to, nothing is wrong with them.
 * @param head as it was read
 * @throws StateError `ROW_CHANGED` then: read everything anew; StorageError `ROW_TAMPERED` otherwise, as `work` does
 */
export async function unlessChanged<T>(
  { keys }: Pick<Reader, 'keys'>,
  head: Pick<KeyRow, 'owner' | 'keyId' | 'version'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    const now = await keys.find(head.owner, head.keyId);
    throw now?.version === head.version ? error : rowChanged('keys');
  }
}
