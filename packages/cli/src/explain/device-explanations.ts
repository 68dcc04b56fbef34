import { groupOf } from './explanation.js';

/** Codes about the devices of an account: what a server, or another device, refuses of them. */
export const DEVICE_EXPLANATIONS = groupOf(
  'Each server keeps a list of your devices, signed by one of them or with the words: whoever steals one device must not get further than it may.',
  'Look at the devices again, and do it with a device that may, or with the words.',
  {
    DEVICE_MAY_NOT: [
      'This device may look and stop what goes on there, and may do less than what was asked.',
      'Do it with a device that may, have one that manages devices allow this one more, or take the words.',
    ],
    DEVICE_TOO_YOUNG: [
      'A device that came less than three days ago takes nothing from one that was there before it.',
      'Do it with an older device or with the words, or wait: three days from when another device has seen it.',
    ],
    KEY_DEVICE_UNLISTED: [
      'Each key whose terms name an owner key has a list of its owner’s devices, and this device is not on that of this key.',
      'Do it with a device that is, or where the words are.',
    ],
    KEY_OWNER_MISSING: [
      'A key whose terms ask nobody has no owner key, and no devices of its own: your account stands for you there.',
      'Give the key terms first that say which key its owner has.',
    ],
    DEVICES_NOT_ALLOWED: [
      'A list of devices does what the key that signed it may not do: give more than it has, or what the words alone do.',
      'Do it with a device that may, or with the words.',
    ],
    DEVICES_SIGNATURE_INVALID: [
      'A list of devices is not signed by a key that was on the list before it.',
      'Sign it with a device that is still on the list, or with the words. If you did not make it, a removed device may be in wrong hands.',
    ],
    DEVICES_FOR_OTHERS: [
      'A list of devices was made for another server or another account.',
      'Bring each server the list that was made for it.',
    ],
    DEVICES_INVALID: [
      'A list of devices is damaged, or of another form.',
      'Compare the versions on both sides, and make the list again.',
    ],
    DEVICES_TOO_LONG: [
      'A list of devices is longer than any honest one.',
      'Make the list again, with shorter names or fewer devices.',
    ],
    DEVICES_TOO_MANY: ['An account has as many devices as it may have.', 'Remove one first.'],
    DEVICES_OLD: [
      'Another list of devices came into force there meanwhile.',
      'Look at the devices again, and make the change to that list.',
    ],
    DEVICES_LINK_MISSING: [
      'A list of devices does not follow the one in force there: the server has not seen one in between, or another one came first.',
      'Bring every list behind the one in force, in order, or make the change to that one.',
    ],
    DEVICES_TWICE: [
      'Two lists of devices have the same number: the one that came first stays in force, and both are kept as evidence.',
      'If you did not make both yourself, a device is in wrong hands: remove it with the words.',
    ],
  },
);
