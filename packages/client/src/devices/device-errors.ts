import { AccessError, EncodingError, StateError, UsageError } from '@ckm/foundation';
import { didYouMean } from '../store/nearest-name.js';

/** @param nearest what was probably meant; null: nothing is near */
export function deviceUnknown(name: string, nearest: string | null): UsageError {
  return new UsageError(`there is no device ${JSON.stringify(name.slice(0, 40))}`, {
    code: 'DEVICE_UNKNOWN',
    hint: `${didYouMean(nearest)}list your devices`,
    remedy: { kind: 'listDevices' },
  });
}

/** @param ids in hex, of those that can be meant */
export function deviceIdShort(digits: string, ids: readonly string[]): UsageError {
  return new UsageError(`several devices have an id that begins with ${digits}`, {
    code: 'DEVICE_UNKNOWN',
    hint: `type more of it: ${ids.map((id) => id.slice(0, 2 * digits.length)).join(', ')}`,
    remedy: { kind: 'listDevices' },
  });
}

export function deviceNameTaken(name: string): StateError {
  return new StateError(`a device of yours is called ${name} already`, {
    code: 'DEVICE_NAME_TAKEN',
    hint: 'call this one otherwise, or rename the other one first',
    remedy: { kind: 'listDevices' },
    retryable: false,
  });
}

/** Whoever removed the device at hand would hear no answer any more, and could undo nothing. */
export function deviceAtHand(name: string): StateError {
  return new StateError(`${name} is the device at hand`, {
    code: 'DEVICE_AT_HAND',
    hint: 'remove it with another device of yours, or with the words in another folder',
    retryable: false,
  });
}

export function offerInvalid(why: string): EncodingError {
  return new EncodingError(`this is no offer of a device: ${why}`, {
    code: 'DEVICE_OFFER_INVALID',
    hint: 'bring the whole file that the new device wrote; if it is damaged, have it write another',
  });
}

export function offerExpired(minutes: number): StateError {
  return new StateError(`this offer was made ${minutes} minutes ago, and is good for 10`, {
    code: 'DEVICE_OFFER_EXPIRED',
    hint: 'have the new device make another one, and bring that at once',
    retryable: false,
  });
}

export function offerFromFuture(): StateError {
  return new StateError('this offer was made later than it is here', {
    code: 'DEVICE_OFFER_EXPIRED',
    hint: 'set the clocks of both devices right, and have the new one make another offer',
    retryable: false,
  });
}

export function offerOwn(): StateError {
  return new StateError('this device made that offer itself', {
    code: 'DEVICE_OFFER_OWN',
    hint: 'bring it to a device that is let in already, or to the place where the words lie',
    retryable: false,
  });
}

export function offerUsed(name: string): StateError {
  return new StateError(`this offer was taken before, for ${name}`, {
    code: 'DEVICE_OFFER_USED',
    hint: 'give the welcome that was written then to the new device; if it is lost, have that device make another offer',
    retryable: false,
  });
}

export function welcomeInvalid(why: string): EncodingError {
  return new EncodingError(`this is no welcome of a device: ${why}`, {
    code: 'DEVICE_WELCOME_INVALID',
    hint: 'bring the whole file that the other device wrote; if it is damaged, have it write another',
  });
}

export function welcomeOfAnother(why: string): AccessError {
  return new AccessError(`this welcome is ${why}`, {
    code: 'DEVICE_WELCOME_OTHER',
    hint: 'bring the one that was written for the offer of this device',
  });
}

/** @param what of the two it is */
export function deviceLikenessDiffers(what: 'offer' | 'welcome'): AccessError {
  return new AccessError(`the six words of this ${what} are others than those that were named`, {
    code: 'DEVICE_LIKENESS_MISMATCH',
    hint: 'somebody may have exchanged the file: read the words on the other device once more, and bring the file again',
  });
}

export function nobodyKnowsYou(): StateError {
  return new StateError('the words are still needed: no server has an account of yours yet', {
    code: 'SEED_STILL_NEEDED',
    hint: 'add your servers first',
    remedy: { kind: 'addServer' },
    retryable: false,
  });
}

export function exportStillOpen(): StateError {
  return new StateError('the words are still needed: an export of a key goes on, and is sealed with them', {
    code: 'SEED_STILL_NEEDED',
    hint: 'finish the export, or stop it',
    remedy: { kind: 'listKeys' },
    retryable: false,
  });
}
