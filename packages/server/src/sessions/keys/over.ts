import { refusal } from '../../refusals.js';
import type { KeyHead } from './stored/key-head.js';

/** @param epoch the first in which this server has no part */
export function keyLeft(epoch: number) {
  return refusal('KEY_LEFT', `this server is not among the servers of the key since epoch ${epoch}`, {
    epoch,
  });
}

/** @param epoch of which there are two certificates */
export function keyForked(epoch: number) {
  return refusal('KEY_FORKED', `there are two certificates of epoch ${epoch} of this key`, { epoch });
}

/**
 * Refuses to freeze a key that this server has left: it does nothing with it anyway, unless it is to join again; and whoever counts must not count it.
 * @param joining epochs behind which it is to join
 * @throws StateError `KEY_LEFT`
 */
export function assertStillThere(
  { left }: Pick<KeyHead, 'left'>,
  joining: readonly { readonly row: { readonly epoch: number } }[],
): void {
  if (left !== undefined && !joining.some(({ row }) => row.epoch >= left.epoch)) throw keyLeft(left.epoch);
}
