import { groupOf } from './explanation.js';

/** Codes that an owner meets who has devices: what this machine refuses of them, before any server is asked. */
export const OWNER_DEVICE_EXPLANATIONS = groupOf(
  'Each device has a secret of its own, and the words are kept apart from all of them: nothing of this is done by halves or by a file that nobody compared.',
  'Do as the hint says; ckm device list shows your devices, and docs/devices.md the whole way.',
  {
    DEVICE_UNKNOWN: ['No device is called so.', 'ckm device list shows what there is.'],
    DEVICE_NAME_TAKEN: [
      'Another device is called so already.',
      'Call this one otherwise with --name, or rename the other one: ckm device rename.',
    ],
    DEVICE_AT_HAND: [
      'The device that was named is the one that the command runs on. It could not tell every server, once the first has taken it out.',
      'Remove it with another device; or, where it is the only one, with the words: restore them in another folder and remove it there.',
    ],
    DEVICE_EXISTS: [
      'The folder is a device already, or is becoming one.',
      'Keep using it, or name another folder with --home.',
    ],
    DEVICE_NOT_HERE: [
      'A welcome is taken in the folder that made the offer, and this one has made none.',
      'Use that folder with --home; or make an offer here: ckm device join --offer-out FILE.',
    ],
    DEVICE_NOT_JOINED: [
      'The folder has made an offer and waits for its welcome: no server answers it yet.',
      'On a device that is in: ckm device add OFFER --welcome-out FILE. Then here: ckm device join --welcome FILE.',
    ],
    DEVICE_NOT_KEPT: [
      'A program has a device learn of a server without saying where the device is to be kept.',
      'Give createClient a keepDevice that seals it.',
    ],
    DEVICE_UNKNOWN_THERE: [
      'This device has no key for that server, so that it cannot speak to it.',
      'Add the server with the words: ckm server add NAME URL --words; or have a device that it knows let this one in again by a new offer.',
    ],
    DEVICE_FILE_CORRUPT: [
      'The device file cannot be read as one.',
      'Restore it from a copy of the folder; else make a new device, and remove this one with another or with the words.',
    ],
    DEVICE_FILE_UNKNOWN: ['The device file was written by a newer version.', 'Use that version.'],
    DEVICE_OFFER_INVALID: [
      'The file is no offer: it is cut, changed, or something else.',
      'Bring the whole file again; or have the new device make another one.',
    ],
    DEVICE_OFFER_EXPIRED: [
      'An offer is good for 10 minutes, so that a file that lies about lets nobody in; this one is older, or of a clock that is ahead.',
      'On the new device: ckm device join --offer-out FILE, once more; it stays the same device.',
    ],
    DEVICE_OFFER_OWN: [
      'The offer was made by the very device that it was brought to.',
      'Bring it to a device that is in already, or to the folder in which the words lie.',
    ],
    DEVICE_OFFER_USED: [
      'The device of this offer is let in already, and its welcome was written.',
      'Bring it that welcome. If it is lost: remove the device, and have it join anew in a new folder.',
    ],
    DEVICE_SERVERS_TOO_MANY: [
      'One device has keys for 32 servers, and there are more.',
      'Forget servers that no key needs: ckm server remove.',
    ],
    DEVICE_WELCOME_INVALID: [
      'The file is no welcome: it is cut, changed, or something else.',
      'Bring the whole file again.',
    ],
    DEVICE_WELCOME_OTHER: [
      'The welcome is sealed to another device, or is of another owner than the one this device belongs to.',
      'Bring the one that was written for the offer of this folder.',
    ],
    DEVICE_LIKENESS_MISMATCH: [
      'The six words of an offer or a welcome are others than the other device shows: the file may have been exchanged on its way.',
      'Bring the file again in another way, and compare once more. Nothing was done.',
    ],
    WORDS_DIFFER: [
      'The words that were typed are of another owner than the one who is here.',
      'Type the words that this owner began with; ckm seed verify tries a backup.',
    ],
    WORDS_NEEDED: [
      'This takes the words, and they do not lie here: the folder is a device.',
      'Where the command has --words, type them for it; else restore them in another folder: ckm seed restore --home FOLDER.',
    ],
    SEED_STILL_NEEDED: [
      'The words cannot go yet: a server does not know the device that takes their place, or something goes on that only they can finish.',
      'Run ckm seed forget again when every server answers: it goes on where it was, and nothing is lost.',
    ],
    SEED_FORGETTING: [
      'A device is taking the place of the words in this folder, and is sealed under the same passphrase.',
      'Finish that first: ckm seed forget.',
    ],
    FAULT_DEVICES_SHOWN: [
      'A server shows a list of your devices that none of your keys has signed, or another list under a number that is known here.',
      'Ask its operator. If it stays so, remove what you do not trust with the words: they begin the list anew.',
    ],
    NO_DEVICE_HERE: [
      'The program asked the words to remember what only a device remembers.',
      'Report this together with what was done.',
    ],
  },
);
