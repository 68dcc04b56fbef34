import { refusal } from '../../refusals.js';

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
