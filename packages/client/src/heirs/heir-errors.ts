import { AccessError, StateError, UsageError } from '@ckm/foundation';

/** @param key as whoever asks calls it */
export function heirKeyUnknown(key: string): UsageError {
  return new UsageError(`nobody has invited you for a key ${JSON.stringify(key.slice(0, 40))}`, {
    code: 'HEIR_KEY_UNKNOWN',
    hint: 'list the keys that you are named for',
  });
}

export function heirKeyAmbiguous(key: string): UsageError {
  return new UsageError(`you were invited for more than one key that is called ${key}`, {
    code: 'HEIR_KEY_AMBIGUOUS',
    hint: 'name it by the first digits of its id, as the list of keys shows them',
  });
}

/** What an heir does in the place of the owner is reading, signing, taking the key out where that is his, and taking back what he asked for. */
export function heirMayNot(called: string): AccessError {
  return new AccessError(`an heir does not call ${called}: only its owner changes a key`, {
    code: 'HEIR_MAY_NOT',
    hint: 'use the key as it is',
  });
}

/** @param key its name */
export function heirKeyNotShown(key: string): StateError {
  return new StateError(`too few servers of ${key} let you see it`, {
    code: 'HEIR_KEY_NOT_SHOWN',
    hint: 'ask for it at every server, and look what is missing',
  });
}
