import type { CkmError } from '@ckm/foundation';

const following = new WeakSet<CkmError>();

/**
 * Marks an error that comes behind an answer, whose exit status says how that is to be taken: with `--json` the answer is the one
 * value that stdout gets.
 */
export function afterAnswer<E extends CkmError>(error: E): E {
  following.add(error);
  return error;
}

export function isAfterAnswer(error: CkmError): boolean {
  return following.has(error);
}
