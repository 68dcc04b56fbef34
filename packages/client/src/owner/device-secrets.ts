import {
  concatBytes,
  encodeUtf8,
  equalBytes,
  reveal,
  secret,
  type Secret,
  StorageError,
  wipe,
} from '@ckm/foundation';
import {
  asXid,
  createIdentity,
  type Data,
  decodeData,
  encodeData,
  type Identity,
  primitives,
  type PublicKeys,
  wipeIdentity,
  type Xid,
} from '@ckm/gordian';
import { identityForServer } from '../seed/identity.js';
import { deriveRecordKey, type RecordKey } from '../store/record-seal.js';

/**
 * One device of an owner, opened. As bytes: `CKMD` ‖ layout (1 byte) ‖ dCBOR of {secret, household, mac, name, accounts}. Whoever has them is this device to
 * every server of `accounts`, until it is removed there.
 */
export interface DeviceSecrets {
  /** 32 bytes, drawn on this device; they never leave it. */
  readonly secret: Secret<Uint8Array>;
  /** 32 bytes that all devices of an owner have, and no server: names of devices are sealed with it. Null until it has joined. */
  readonly household: Secret<Uint8Array> | null;
  /** What its records are sealed with: of the owner seed where that lay here before, else of its own. */
  readonly records: RecordKey;
  /** By server; empty until it has joined. */
  readonly accounts: readonly DeviceAccount[];
}

/** Who a device is at one server. */
export interface DeviceAccount {
  readonly server: Xid;
  /** The XID of the owner's account there, which comes from the words. */
  readonly account: Xid;
  /** Which of its keys is for that server: each key is for one server, so that no two can tell that it is one device. */
  readonly slot: number;
}

/** So many servers can know one device. */
export const DEVICE_SLOTS = 32;
/** Of a device as bytes, with the accounts of {@link DEVICE_SLOTS} servers. */
export const MOST_DEVICE_BYTES = 8_192;

const SECRET_BYTES = 32;
const RECORD_NAME_BYTES = 8;
const MAGIC = encodeUtf8('CKMD');
const LAYOUT = 1;
const HEAD_BYTES = MAGIC.length + 1;
const KEY_SALT = encodeUtf8('ckm/device-key/v1');
const OFFER_SALT = encodeUtf8('ckm/device-offer/v1');
const HOUSEHOLD_SALT = encodeUtf8('ckm/household/v1');
const RETURNED_SALT = encodeUtf8('ckm/household/back/v1');
const PRINT_SALT = encodeUtf8('ckm/device-print/v1');
const NO_INFO = new Uint8Array(0);

function newDevice(random: (length: number) => Uint8Array): DeviceSecrets {
  const drawn = secret(random(SECRET_BYTES));
  return { secret: drawn, household: null, records: deriveRecordKey(drawn), accounts: [] };
}

/** The first device of an owner, made with the words: it has their household, and goes on with their records. The caller wipes it. */
export function firstDevice(
  words: Secret<Uint8Array>,
  random: (length: number) => Uint8Array,
): DeviceSecrets {
  return {
    secret: secret(random(SECRET_BYTES)),
    household: householdOf(words),
    records: deriveRecordKey(words),
    accounts: [],
  };
}

/** The XID of the account that the words have, or would open, at a server. */
export function accountOfWords(words: Secret<Uint8Array>, server: Xid): Xid {
  const identity = identityForServer(words, server);
  wipeIdentity(identity);
  return identity.xid;
}

/** HKDF-SHA-256(seed, salt `ckm/household/v1`): the words alone give it, so that they read the names of devices too. */
export function householdOf(words: Secret<Uint8Array>): Secret<Uint8Array> {
  return derived(words, HOUSEHOLD_SALT, NO_INFO, 'reading the names of devices');
}

/** Who the device is to a server. Null: it has no key for that one. */
export function deviceIdentity(device: DeviceSecrets, server: Xid): Identity | null {
  const found = device.accounts.find((one) => equalBytes(one.server, server));
  return found === undefined ? null : slotIdentity(device, found.slot, found.account);
}

/** HKDF-SHA-256(secret, salt `ckm/device-key/v1`, info = slot as two bytes, big-endian) is the seed of the identity. */
function slotIdentity(device: DeviceSecrets, slot: number, account?: Xid): Identity {
  const info = Uint8Array.of(slot >> 8, slot & 0xff);
  const seed = derived(device.secret, KEY_SALT, info, 'deriving the key of a device for one server');
  const identity = createIdentity(seed, account);
  wipe(seed);
  return identity;
}

/** Who a device is at a server that is to let it in again, before that says into which account. The caller wipes it. */
export function askerIdentity(device: DeviceSecrets, slot: number): Identity {
  return slotIdentity(device, slot);
}

/** The household of an owner who came back without his words: of the first device that did. HKDF-SHA-256(secret, salt `ckm/household/back/v1`). */
export function householdOfReturned({ secret: drawn, household }: DeviceSecrets): Secret<Uint8Array> {
  if (household !== null) return household;
  return derived(drawn, RETURNED_SALT, NO_INFO, 'naming devices without the words');
}

/** The public halves of the first keys of a device, in order of slots. */
export function slotKeys(device: DeviceSecrets, count: number): readonly PublicKeys[] {
  return Array.from({ length: count }, (_, slot) => {
    const identity = slotIdentity(device, slot);
    wipeIdentity(identity);
    return identity.publicKeys;
  });
}

/** What a welcome is sealed to: of this device alone, and for nothing else. The caller wipes it. */
export function offerIdentity(device: DeviceSecrets): Identity {
  const seed = derived(device.secret, OFFER_SALT, NO_INFO, 'deriving what a welcome is sealed to');
  const identity = createIdentity(seed);
  wipe(seed);
  return identity;
}

/** 32 bytes by which a device is known again; they say nothing of its secret. */
export function devicePrint(device: DeviceSecrets): Uint8Array {
  const bytes = reveal(device.secret, 'recognising a device again');
  return primitives.hkdfSha256(bytes, PRINT_SALT, NO_INFO, 32);
}

function derived(
  from: Secret<Uint8Array>,
  salt: Uint8Array,
  info: Uint8Array,
  why: string,
): Secret<Uint8Array> {
  return secret(primitives.hkdfSha256(reveal(from, why), salt, info, SECRET_BYTES));
}

/** A device as bytes, to be sealed or handed to a process of its owner. The caller wipes them. */
export function encodeDevice({
  secret: drawn,
  household,
  records,
  accounts,
}: DeviceSecrets): Secret<Uint8Array> {
  const why = 'keeping a device';
  const body = encodeData({
    secret: reveal(drawn, why),
    household: household === null ? null : reveal(household, why),
    mac: reveal(records.mac, why),
    name: records.name,
    accounts: accounts.map((one) => ({ ...one })),
  });
  const bytes = secret(concatBytes(MAGIC, Uint8Array.of(LAYOUT), body));
  body.fill(0);
  return bytes;
}

/** Whether bytes are those of a device, and no owner seed. */
export function isDevice(bytes: Uint8Array): boolean {
  return bytes.length > HEAD_BYTES && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
}

/** A device that is yet to join, as bytes. The caller wipes them. @param random cryptographic; as many bytes as asked for */
export function draftDevice(random: (length: number) => Uint8Array): Secret<Uint8Array> {
  const device = newDevice(random);
  try {
    return encodeDevice(device);
  } finally {
    wipeDevice(device);
  }
}

/** Whether these words are those of the owner of a device. Null: it belongs to nobody yet. */
export function isAccountOf(device: Secret<Uint8Array>, words: Secret<Uint8Array>): boolean | null {
  const opened = parseDevice(device);
  const [first] = opened.accounts;
  wipeDevice(opened);
  return first === undefined ? null : equalBytes(accountOfWords(words, first.server), first.account);
}

/** What {@link encodeDevice} wrote; the bytes stay the caller's. @throws StorageError `DEVICE_FILE_CORRUPT`, `DEVICE_FILE_UNKNOWN` */
export function parseDevice(wrapped: Secret<Uint8Array>): DeviceSecrets {
  const bytes = reveal(wrapped, 'opening a device');
  if (!isDevice(bytes)) throw deviceFileCorrupt();
  const layout = bytes[MAGIC.length];
  if (layout !== LAYOUT) throw deviceFileUnknown(`is of layout ${layout}, and this version knows ${LAYOUT}`);
  const read = readMembers(bytes.subarray(HEAD_BYTES));
  const household = read['household'] === null ? null : secret(bytesIn(read['household'], SECRET_BYTES));
  return {
    secret: secret(bytesIn(read['secret'], SECRET_BYTES)),
    household,
    records: {
      mac: secret(bytesIn(read['mac'], SECRET_BYTES)),
      name: bytesIn(read['name'], RECORD_NAME_BYTES),
    },
    accounts: listIn(read['accounts']).map(accountFrom),
  };
}

type Members = { readonly [key: string]: Data | undefined };

function readMembers(body: Uint8Array): Members {
  try {
    return membersIn(decodeData(body, { maxBytes: MOST_DEVICE_BYTES, maxDepth: 4 }));
  } catch {
    // Without a cause, which could quote what is secret.
    throw deviceFileCorrupt();
  }
}

function membersIn(data: Data | undefined): Members {
  const isMap =
    typeof data === 'object' && data !== null && !Array.isArray(data) && !(data instanceof Uint8Array);
  if (!isMap) throw deviceFileCorrupt();
  return data as Members;
}

function bytesIn(data: Data | undefined, length: number): Uint8Array {
  if (data instanceof Uint8Array && data.length === length) return data;
  throw deviceFileCorrupt();
}

function listIn(data: Data | undefined): readonly Data[] {
  if (Array.isArray(data) && data.length <= DEVICE_SLOTS) return data as readonly Data[];
  throw deviceFileCorrupt();
}

function accountFrom(data: Data): DeviceAccount {
  const { server, account, slot } = membersIn(data);
  if (typeof slot !== 'number' || !Number.isInteger(slot) || slot < 0 || slot >= DEVICE_SLOTS)
    throw deviceFileCorrupt();
  return { server: asXid(bytesIn(server, 32)), account: asXid(bytesIn(account, 32)), slot };
}

export function wipeDevice({ secret: drawn, household, records }: DeviceSecrets): void {
  wipe(drawn);
  wipe(records.mac);
  if (household !== null) wipe(household);
}

export function deviceFileCorrupt(): StorageError {
  return new StorageError('the device file is damaged or not one of ours', {
    code: 'DEVICE_FILE_CORRUPT',
    hint: 'make this device anew in another folder, and remove the old one with another device or the words',
  });
}

/** @param what said of it, after its name */
function deviceFileUnknown(what: string): StorageError {
  return new StorageError(`the device file ${what}`, {
    code: 'DEVICE_FILE_UNKNOWN',
    hint: 'open it with the version that wrote it',
    remedy: { kind: 'updateSoftware' },
  });
}
