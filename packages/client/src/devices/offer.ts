import { concatBytes, encodeHex, type Secret } from '@ckm/foundation';
import {
  encodeData,
  formatEnvelopeUr,
  isLikenessOf,
  leaf,
  type PublicKeys,
  wipeIdentity,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import { DEVICE_SLOTS, offerIdentity, parseDevice, slotKeys, wipeDevice } from '../owner/device-secrets.js';
import { parseName } from '../store/names.js';
import { deviceLikenessDiffers, offerExpired, offerFromFuture, offerInvalid } from './device-errors.js';
import { bytesInside, readEnvelope, readMembers } from './envelope-text.js';

/** What a new device asks to be let in with. Nothing in it is secret. */
export interface DeviceOffer {
  /** What it wants to be called. */
  readonly name: string;
  /** UnixSeconds, by its own clock. */
  readonly madeAt: number;
  /** 32 bytes, X25519: what its welcome is sealed to. */
  readonly sealTo: Uint8Array;
  /** A key for each server there may be: no two servers are shown the same. */
  readonly keys: readonly PublicKeys[];
  /** 32 bytes: the likeness of this is what people compare. */
  readonly digest: Uint8Array;
}

/** How long an offer can be taken. */
export const OFFER_SECONDS = 600;
/** How far the clocks of two devices of one person may be apart. */
const SKEW_SECONDS = 120;
/** Of the file, in characters; one of our own has less than half of it. */
export const MOST_OFFER_CHARACTERS = 16_384;

const HALF_BYTES = 32;
const KEY_BYTES = 2 * HALF_BYTES;

/**
 * The offer of a device, as `ur:envelope/…`: dCBOR {version, kind, name, madeAt, sealTo, keys} in a leaf; `keys` are signing key ‖ agreement key, one behind the other.
 * @param device as `openDeviceFile` gives it
 * @param now UnixSeconds
 */
export function makeDeviceOffer(
  device: Secret<Uint8Array>,
  wanted: string,
  now: number,
): { readonly text: string; readonly digest: Uint8Array } {
  const name = parseName('device', wanted);
  const opened = parseDevice(device);
  const identity = offerIdentity(opened);
  const keys = slotKeys(opened, DEVICE_SLOTS);
  wipeIdentity(identity);
  wipeDevice(opened);
  const envelope = leaf(
    encodeData({
      version: 1,
      kind: 'device-offer',
      name,
      madeAt: now,
      sealTo: identity.publicKeys.agreement,
      keys: concatBytes(...keys.flatMap(({ signing, agreement }) => [signing.bytes, agreement])),
    }),
  );
  return { text: formatEnvelopeUr(envelope), digest: envelope.digest };
}

/**
 * Reads an offer. Whose it is, people compare.
 * @throws EncodingError `DEVICE_OFFER_INVALID`
 */
export function parseDeviceOffer(text: string): DeviceOffer {
  if (text.length > MOST_OFFER_CHARACTERS) throw offerInvalid('it is too long');
  const envelope = readEnvelope(text);
  if (envelope === null) throw offerInvalid('it cannot be read, or is cut');
  const bytes = bytesInside(envelope);
  const offer =
    bytes === null
      ? null
      : readMembers(bytes, (members) => ({
          kind: members.text('kind'),
          name: members.text('name'),
          madeAt: members.integer('madeAt'),
          sealTo: members.bytes('sealTo', HALF_BYTES),
          keys: members.bytes('keys', DEVICE_SLOTS * KEY_BYTES),
        }));
  if (offer?.kind !== 'device-offer') throw offerInvalid('it is something else');
  const { madeAt, sealTo } = offer;
  const keys = keysIn(offer.keys);
  if (new Set(keys.map((one) => encodeHex(xidOf(one)))).size < keys.length)
    throw offerInvalid('a key is in it twice');
  return { name: nameIn(offer.name), madeAt, sealTo, keys, digest: envelope.digest };
}

function keysIn(bytes: Uint8Array): readonly PublicKeys[] {
  return Array.from({ length: DEVICE_SLOTS }, (_, slot) => {
    const pair = bytes.slice(slot * KEY_BYTES, (slot + 1) * KEY_BYTES);
    return {
      signing: { scheme: 'ed25519', bytes: pair.slice(0, HALF_BYTES) },
      agreement: pair.slice(HALF_BYTES),
    };
  });
}

function nameIn(text: string): string {
  try {
    return parseName('device', text);
  } catch {
    throw offerInvalid('it has no name that a device may have');
  }
}

/** 32 bytes that name the device, whichever offer of it this is. */
export function offeredId({ keys }: Pick<DeviceOffer, 'keys'>): Xid {
  return xidOf(keys[0]!);
}

/** @param now UnixSeconds @throws StateError `DEVICE_OFFER_EXPIRED` */
export function assertFresh({ madeAt }: DeviceOffer, now: number): void {
  if (madeAt > now + SKEW_SECONDS) throw offerFromFuture();
  if (now > madeAt + OFFER_SECONDS + SKEW_SECONDS) throw offerExpired(Math.floor((now - madeAt) / 60));
}

/** @param typed the six words as the other device shows them; undefined: people compare @throws AccessError `DEVICE_LIKENESS_MISMATCH` */
export function assertDeviceLikeness(
  what: 'offer' | 'welcome',
  digest: Uint8Array,
  typed: string | undefined,
): void {
  if (typed !== undefined && !isLikenessOf(typed, digest)) throw deviceLikenessDiffers(what);
}
