import { encodeHex, equalBytes } from '@ckm/foundation';
import { encodePublicKeys, type PublicKeys } from '@ckm/gordian';
import {
  devicesForOthers,
  devicesLinkMissing,
  devicesNotAllowed,
  devicesOld,
  devicesUnsigned,
} from './codes.js';
import {
  deviceId,
  type DeviceKey,
  type DevicesDocument,
  type DevicesPlace,
  hashDevices,
  isLastOfBand,
  parseDevices,
  recoveryNumber,
} from './document.js';
import { type DevicesSigner, isDevicesSignature, type SignedDevices, signerIn } from './signed.js';

/** Smaller than 0: `a` is before `b`. A later generation is behind every number of the one before. */
export function comparePlaces(a: DevicesPlace, b: DevicesPlace): number {
  return a.generation - b.generation || a.number - b.number;
}

/**
 * The list that may take the place of `before`: the next number, made from it and signed by one of its keys that may do what it does, or the beginning of
 * the next generation, signed with the words, whatever was before. Servers and clients judge by the same rules.
 * @throws EncodingError `DEVICES_INVALID`, `DEVICES_TOO_LONG`; StateError `DEVICES_TOO_MANY`, `DEVICES_OLD`, `DEVICES_LINK_MISSING`; AccessError
 * `DEVICES_FOR_OTHERS`, `DEVICES_SIGNATURE_INVALID`, `DEVICES_NOT_ALLOWED`
 */
export function followDevices(before: DevicesDocument, signed: SignedDevices): DevicesDocument {
  const next = parseDevices(signed.document);
  assertFor(before, next);
  assertPlace(before, next);
  assertDeed(before, next, authorOf(before, next, signed));
  return next;
}

/**
 * The list in force after what a server shows behind `known`, link by link. Where it has begun generations since, it keeps none of those before: what the
 * words begin stands whatever was there.
 * @throws as {@link followDevices}
 */
export function devicesBehind(known: DevicesDocument, links: readonly SignedDevices[]): DevicesDocument {
  return links.reduce((before, link) => followDevices(passedOver(before, link), link), known);
}

/** `before`, or if the link begins a later generation than the next, what stands for the generations between. */
function passedOver(before: DevicesDocument, link: SignedDevices): DevicesDocument {
  const { generation, number } = parseDevices(link.document);
  return number === 0 && generation > before.generation + 1
    ? { ...before, generation: generation - 1 }
    : before;
}

/** @throws AccessError `DEVICES_FOR_OTHERS` */
export function assertFor(
  { server, account }: Pick<DevicesDocument, 'server' | 'account'>,
  next: DevicesDocument,
): void {
  if (!equalBytes(next.server, server)) throw devicesForOthers('server');
  if (!equalBytes(next.account, account)) throw devicesForOthers('account');
}

/**
 * Whoever signed a list, as the one before knows him.
 * @throws AccessError `DEVICES_SIGNATURE_INVALID`
 */
export function authorOf(
  before: DevicesDocument,
  next: DevicesDocument,
  signed: SignedDevices,
): DevicesSigner {
  if (next.recovery !== undefined) return serverOf(before, next, next.recovery, signed);
  const signer = signerIn(before, next.by);
  const keys = signer?.kind === 'device' ? signer.key.publicKeys : before.words;
  if (!isDevicesSignature(signed, keys) || signer === null) throw devicesUnsigned();
  return signer;
}

/** A server signs a list of its own accounts where it recovers one, with the key that its XID names. */
function serverOf(
  { server }: Pick<DevicesDocument, 'server'>,
  { by }: Pick<DevicesDocument, 'by'>,
  keys: PublicKeys,
  signed: SignedDevices,
): DevicesSigner {
  const isOfServer = equalBytes(by, server) && equalBytes(deviceId(keys), server);
  if (!isOfServer || !isDevicesSignature(signed, keys)) throw devicesUnsigned();
  return { kind: 'server' };
}

function assertPlace(before: DevicesDocument, next: DevicesDocument): void {
  if (comparePlaces(next, before) <= 0) throw devicesOld(before);
  const begins = next.generation === before.generation + 1 && next.number === 0;
  if (begins) return;
  const wanted = next.recovery === undefined ? before.number + 1 : recoveryNumber(before);
  const isNext = next.generation === before.generation && next.number === wanted;
  if (!isNext || !equalBytes(next.previous, hashDevices(before))) throw devicesLinkMissing(before);
}

/** What the words may not do either: lists would no longer say whose they are. */
function assertDeed(before: DevicesDocument, next: DevicesDocument, signer: DevicesSigner): void {
  if (!equalBytes(encodePublicKeys(next.words), encodePublicKeys(before.words))) {
    throw devicesNotAllowed('it takes the key of the words out');
  }
  const known = new Map(before.keys.map((key) => [encodeHex(key.id), key]));
  for (const key of next.keys) assertSameKey(known.get(encodeHex(key.id)), key);
  const isSame = next.generation === before.generation;
  if (signer.kind === 'server' && isSame) return assertRecovery(known, next);
  if (isSame && isLastOfBand(before)) throw devicesNotAllowed('the next number is for a recovery');
  if (signer.kind === 'words') return;
  if (signer.kind === 'server' || !isSame) throw devicesNotAllowed('the words alone begin a generation');
  const { may } = signer.key;
  if (!may.includes('manage')) throw devicesNotAllowed('it may not manage devices');
  for (const key of next.keys) {
    const had = known.get(encodeHex(key.id))?.may ?? [];
    const gains = key.may.filter((one) => !had.includes(one));
    if (gains.some((one) => !may.includes(one))) {
      throw devicesNotAllowed('it gives more than it has');
    }
  }
}

/** One device that was not there before, and nobody else. */
function assertRecovery(known: ReadonlyMap<string, DeviceKey>, { keys }: DevicesDocument): void {
  const [key, ...others] = keys;
  const isNew = key !== undefined && others.length === 0 && !known.has(encodeHex(key.id));
  if (!isNew) throw devicesNotAllowed('a recovery lets one new device in, and no other');
}

/** Answers to a device are sealed to the other half of its key. */
function assertSameKey(had: DeviceKey | undefined, key: DeviceKey): void {
  if (had === undefined) return;
  if (equalBytes(encodePublicKeys(had.publicKeys), encodePublicKeys(key.publicKeys))) return;
  throw devicesNotAllowed('it gives a device another key under its name');
}
