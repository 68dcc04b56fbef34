// A strict key of 2 of 3: its change is decided by all three servers, and not by two.
import { changeVector, undecidedChange } from './changes.mjs';
import { keyVector, makeKey } from './keys.mjs';

export function strictVector(suite) {
  const made = makeKey(suite, true);
  const { receipts: _receipts, ...change } = changeVector(made, [1, 2, 3]);
  return { ...keyVector(made), change, undecided: undecidedChange(made, [1, 3]) };
}
