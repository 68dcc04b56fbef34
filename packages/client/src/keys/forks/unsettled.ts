import { CkmError, StateError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../key-record.js';
import { readBranches } from './key-branches.js';

/**
 * Says of a key with which nothing comes about that it is forked, where servers show another certificate that holds and nobody votes that settle
 * which counts: one server that lies can say so of no other key.
 * @throws StateError `KEY_FORKED`
 */
export async function assertNotForked(context: ClientContext, key: CertifiedKey): Promise<void> {
  const { name } = key.record;
  const { epochs } = await readBranches(context, key);
  if (epochs.length === 0) return;
  throw new StateError(`servers of ${name} went on by ${epochs.length} certificates of one epoch`, {
    code: 'KEY_FORKED',
    hint: 'a server signed twice: have the servers of the key settle which of them counts',
    remedy: { kind: 'settleKey', key: name },
    facts: { key: name },
    retryable: false,
  });
}

/**
 * Does something with a key. Where nothing comes of it as of a forked one, and it is one, that is what is said: whatever servers took in before, one
 * that lies takes it in every time.
 * @param isSign whether it failed as with a forked key
 * @throws as `work`; StateError `KEY_FORKED`
 */
export async function unlessForked<T>(
  context: ClientContext,
  readKey: () => Promise<CertifiedKey>,
  isSign: (error: CkmError) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CkmError && isSign(error)) await assertNotForked(context, await readKey());
    throw error;
  }
}
