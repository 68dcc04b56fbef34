import { AccessError, EncodingError, StateError } from '@ckm/foundation';
import { isAllowed, type KeyMay, mayInWords, type Needs } from './privileges.js';

/** Every code of an error about the devices of an account. */
const DEVICE_CODES = [
  'DEVICES_FOR_OTHERS',
  'DEVICES_INVALID',
  'DEVICES_LINK_MISSING',
  'DEVICES_NOT_ALLOWED',
  'DEVICES_OLD',
  'DEVICES_SIGNATURE_INVALID',
  'DEVICES_TOO_LONG',
  'DEVICES_TOO_MANY',
  'DEVICES_TWICE',
  'DEVICE_MAY_NOT',
  'DEVICE_TOO_YOUNG',
] as const;
export type DeviceCode = (typeof DEVICE_CODES)[number];

export function devicesInvalid(why: string): EncodingError {
  return new EncodingError(`a list of devices is not of its form: ${why}`, {
    code: 'DEVICES_INVALID' satisfies DeviceCode,
    hint: 'compare the versions of both sides, and make the list again',
  });
}

export function devicesTooLong(length: number, most: number): EncodingError {
  return new EncodingError(`a list of devices has ${length} bytes, and may have ${most}`, {
    code: 'DEVICES_TOO_LONG' satisfies DeviceCode,
    hint: 'give its devices shorter names, or remove one',
    httpStatus: 413,
  });
}

export function tooManyDevices(most: number): StateError {
  return new StateError(`an account has at most ${most} devices`, {
    code: 'DEVICES_TOO_MANY' satisfies DeviceCode,
    hint: 'remove one first',
    retryable: false,
    facts: { limit: most },
  });
}

export function devicesForOthers(what: 'server' | 'account'): AccessError {
  return new AccessError(`a list of devices is for another ${what}`, {
    code: 'DEVICES_FOR_OTHERS' satisfies DeviceCode,
    hint: 'each server has a list of its own: bring it the one that was made for it',
  });
}

export function devicesUnsigned(): AccessError {
  return new AccessError('a list of devices is not signed by a key that was in the one before', {
    code: 'DEVICES_SIGNATURE_INVALID' satisfies DeviceCode,
    hint: 'sign it with a device that is still on the list, or with the words',
  });
}

/** A list that is behind the one in force, or beside it. */
export function devicesOld(head: { readonly generation: number; readonly number: number }): StateError {
  return new StateError(
    `a newer list of devices is in force: number ${head.number} of generation ${head.generation}`,
    {
      code: 'DEVICES_OLD' satisfies DeviceCode,
      hint: 'look at the devices again, and make the change to that list',
      retryable: false,
      facts: { generation: head.generation, number: head.number },
    },
  );
}

export function devicesLinkMissing(head: {
  readonly generation: number;
  readonly number: number;
}): StateError {
  return new StateError(
    `a list of devices does not follow the one in force: number ${head.number} of generation ${head.generation}`,
    {
      code: 'DEVICES_LINK_MISSING' satisfies DeviceCode,
      hint: 'bring every list behind that one, in order',
      retryable: false,
      facts: { generation: head.generation, number: head.number },
    },
  );
}

export function devicesTwice(place: { readonly generation: number; readonly number: number }): StateError {
  return new StateError(
    `two lists of devices have the number ${place.number} of generation ${place.generation}: the first stays in force, both are kept`,
    {
      code: 'DEVICES_TWICE' satisfies DeviceCode,
      hint: 'if you did not make both, a device of yours is in wrong hands: remove it with the words',
      retryable: false,
      facts: { generation: place.generation, number: place.number },
    },
  );
}

export function devicesNotAllowed(why: string): AccessError {
  return new AccessError(`a list of devices is signed by a key that may not do so: ${why}`, {
    code: 'DEVICES_NOT_ALLOWED' satisfies DeviceCode,
    hint: 'ask a device that may, or take the words',
  });
}

/** A device has not been there for long enough to take anything from one that was there before it. */
export function deviceTooYoung(): StateError {
  return new StateError('this device is too new to take anything from one that was there before it', {
    code: 'DEVICE_TOO_YOUNG' satisfies DeviceCode,
    hint: 'have an older device do it, take the words, or wait: three days from when another device has seen it',
    retryable: false,
  });
}

/**
 * Whether the key that a message is signed with may do that.
 * @throws AccessError `DEVICE_MAY_NOT`
 */
export function assertAllowed(may: KeyMay, needs: Needs): void {
  if (isAllowed(may, needs)) return;
  throw new AccessError(`this device may not do that: it may ${mayInWords(may)}`, {
    code: 'DEVICE_MAY_NOT' satisfies DeviceCode,
    hint:
      needs === 'words'
        ? 'only the words may do it'
        : 'ask a device that may, have this one allowed more, or take the words',
    facts: { needs },
  });
}
