import { BugError, type Secret, StateError, wipe } from '@ckm/foundation';
import type { Identity, Xid } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import { identityForServer } from '../seed/identity.js';
import { keyDeviceIdentity, keyOwnerIdentity } from '../seed/key-owner.js';
import { deriveRecordKey, type RecordKey } from '../store/record-seal.js';
import {
  type DeviceAccount,
  deviceIdentity,
  type DeviceSecrets,
  encodeDevice,
  householdOf,
  householdOfReturned,
  parseDevice,
  wipeDevice,
} from './device-secrets.js';

/**
 * Who the owner is here. `words`: an owner seed, 32 bytes, which may do everything. `device`: one of the owner's devices, as `openDeviceFile` gives it,
 * which may do what it was allowed. `heir`: the secret of an approver, who uses one key of somebody who is silent.
 */
export type OwnerSecrets =
  | { readonly words: Secret<Uint8Array> }
  | { readonly device: Secret<Uint8Array> }
  | { readonly heir: Secret<Uint8Array>; readonly as: (heir: Secret<Uint8Array>) => Owner };

/** The owner, or how to get him when he is first needed: to speak to a server, or to check a stored record. An owner seed may stand for itself. */
export type SeedSource = OwnerOrSeed | (() => Promise<OwnerOrSeed>);
export type OwnerOrSeed = Secret<Uint8Array> | OwnerSecrets;

/** The owner, opened. */
export interface Owner {
  /** Null: the words speak. */
  readonly device: DeviceSecrets | null;
  /** Null: a device speaks. */
  readonly words: Secret<Uint8Array> | null;
  /** What the names of devices are sealed with; null: a device that has not joined knows none. */
  readonly household: Secret<Uint8Array> | null;
  readonly recordKey: RecordKey;
  /** Who the owner is to that server. @throws StateError `DEVICE_UNKNOWN_THERE` */
  identityAt(server: Xid): Identity;
  /** Who it is to whoever has to do with one key: its owner, or one of the owner's devices. The caller wipes it. */
  identityForKey(keyId: Uint8Array): Identity;
  /**
   * From now on a device knows who it is at one server more; one that has no household begins one.
   * @returns the device with it, to be kept; the caller wipes it
   */
  learn(account: DeviceAccount): Secret<Uint8Array>;
  /** Puts what is asked on the way to a server into the form in which whoever speaks may ask it; absent: as it is. */
  asking?(link: ServerLink): ServerLink;
  wipe(): void;
}

/** What it was given is its own from now on, and wiped with it. */
export function openOwnerSecrets(given: OwnerOrSeed): Owner {
  const bytes = secretOf(given);
  if ('heir' in given) return given.as(bytes);
  return 'device' in given ? deviceOwner(bytes) : wordsOwner(bytes);
}

/** What is secret of it: an owner seed, or a device as bytes. */
export function secretOf(given: OwnerOrSeed): Secret<Uint8Array> {
  if ('device' in given) return given.device;
  if ('heir' in given) return given.heir;
  return 'words' in given ? given.words : given;
}

function wordsOwner(words: Secret<Uint8Array>): Owner {
  const recordKey = deriveRecordKey(words);
  const household = householdOf(words);
  return {
    device: null,
    words,
    household,
    recordKey,
    identityAt: (server) => identityForServer(words, server),
    identityForKey: (keyId) => keyOwnerIdentity(words, keyId),
    learn: () => {
      throw noDevice();
    },
    wipe: () => {
      for (const one of [words, household, recordKey.mac]) wipe(one);
    },
  };
}

function deviceOwner(bytes: Secret<Uint8Array>): Owner {
  let device = parseDevice(bytes);
  return {
    get device() {
      return device;
    },
    words: null,
    get household() {
      return device.household;
    },
    recordKey: device.records,
    identityAt: (server) => {
      const identity = deviceIdentity(device, server);
      if (identity === null) throw unknownThere();
      return identity;
    },
    identityForKey: (keyId) => keyDeviceIdentity(device.secret, keyId),
    learn: (account) => {
      const household = householdOfReturned(device);
      device = { ...device, household, accounts: [...device.accounts, account] };
      return encodeDevice(device);
    },
    wipe: () => {
      wipe(bytes);
      wipeDevice(device);
    },
  };
}

function noDevice(): BugError {
  return new BugError('the words were asked to learn an account', {
    code: 'NO_DEVICE_HERE',
    hint: 'report this together with what was done',
  });
}

function unknownThere(): StateError {
  return new StateError('this device has no key at that server', {
    code: 'DEVICE_UNKNOWN_THERE',
    hint: 'add the server with the words; or have a device that it knows let this one in there',
    retryable: false,
  });
}

/** What the words have, and every device that has joined. @throws StateError `DEVICE_NOT_JOINED` */
export function householdIn({ household }: Pick<Owner, 'household'>): Secret<Uint8Array> {
  if (household !== null) return household;
  throw deviceNotJoined();
}

function deviceNotJoined(): StateError {
  return new StateError('this device has made an offer, and is let in nowhere yet', {
    code: 'DEVICE_NOT_JOINED',
    hint: 'give it the welcome that another device of yours writes for it',
    retryable: false,
  });
}

/** @param why as in "to open an account at alpha" */
export function wordsNeeded(why: string): StateError {
  return new StateError(`the words are needed ${why}, and they do not lie here`, {
    code: 'WORDS_NEEDED',
    hint: 'type them for this one command',
    retryable: false,
  });
}
