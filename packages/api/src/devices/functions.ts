import { z } from 'zod';
import { bytesOf, bytesUpTo, unixSeconds } from '../fields/fields.js';
import { devicesPlace, MAX_DEVICES } from './document.js';
import { signedDevices } from './signed.js';

/** Lists in one message, either way. */
export const MAX_DEVICES_LINKS = 32;

/** Two lists of one place, each rightly signed: one of them was made by somebody who should not have. */
const twice = z.strictObject({
  ...devicesPlace.shape,
  /** The one in force then first. */
  documents: z.array(signedDevices).length(2),
});
export type DevicesTwice = z.infer<typeof twice>;

/** Which keys an account has at a server, as the server knows it. */
export const devicesView = z.strictObject({
  /** Of the list in force. */
  ...devicesPlace.shape,
  /** `hashDevices` of it. */
  hash: bytesOf(32),
  /** The keys of the words: with them its first list follows. */
  words: bytesUpTo(128),
  /** Lists behind the place that was asked for, in order, the last one in force last; those of generations before are not kept. */
  links: z.array(signedDevices).max(MAX_DEVICES_LINKS),
  /** Behind which to ask for more; null: that was all. */
  next: devicesPlace.nullable(),
  /** When this server took in each device of the list in force, and when it is not young any more if the server runs on; absent: it is not. */
  since: z
    .array(z.strictObject({ id: bytesOf(32), at: unixSeconds, youngUntil: unixSeconds.exactOptional() }))
    .max(MAX_DEVICES),
  /** Ids of devices that another one has removed and that may still stop what goes on, and until when, if the server runs on; absent: none. */
  stops: z
    .array(z.strictObject({ id: bytesOf(32), until: unixSeconds }))
    .max(MAX_DEVICES)
    .exactOptional(),
  /** What contradicts itself; at most the first of each place, and the last few places. */
  twice: z.array(twice).max(8),
});
export type DevicesView = z.infer<typeof devicesView>;

export const deviceShow = {
  parameters: z.strictObject({
    /** A list that is known already; null: none. */
    after: devicesPlace.nullable(),
  }),
  result: devicesView,
};

/** Says that whoever asks has seen the list in force, and who is new on it. */
export const deviceSeen = { parameters: devicesPlace, result: z.strictObject({}) };

/**
 * Brings lists, in order. Whoever signed them decides what they may do: any key of the account may bring them. Those that the server has are passed over.
 */
export const deviceUpdate = {
  parameters: z.strictObject({ documents: z.array(signedDevices).min(1).max(MAX_DEVICES_LINKS) }),
  result: z.strictObject({ ...devicesPlace.shape, hash: bytesOf(32) }),
};
