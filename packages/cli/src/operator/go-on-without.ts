import { decodeHex, StateError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';

const FEWEST_DIGITS = 8;

/**
 * Ids of the servers that an heir goes on without, as their operator has named each: by its six words, or the first eight digits or more of its id. They have to
 * be all that say nothing at this instant: one that came to be silent since somebody looked was asked by nobody.
 * @param missing ids, in hex digits
 * @param named separated by commas
 * @throws StateError `SILENCE_NOT_AS_SEEN`
 */
export function goOnWithout(missing: readonly string[], named: string): readonly string[] {
  const names = named.split(',').map((one) => one.trim().toLowerCase());
  const isNamed = (xid: string, name: string) =>
    name === wordsOf(xid) || (name.length >= FEWEST_DIGITS && xid.startsWith(name));
  const isJust =
    names.length === missing.length &&
    names.every((name) => missing.filter((xid) => isNamed(xid, name)).length === 1) &&
    missing.every((xid) => names.some((name) => isNamed(xid, name)));
  if (isJust) return missing;
  const now = missing.length === 0 ? 'none' : missing.map(wordsOf).join(', ');
  throw new StateError(`the servers that you named are not those whose word is missing: ${now}`, {
    code: 'SILENCE_NOT_AS_SEEN',
    hint: 'ask the operator of each whether the owner was heard there, and name all of them, separated by commas',
    retryable: false,
  });
}

function wordsOf(xid: string): string {
  return formatWords(likenessOf(decodeHex(xid)));
}
