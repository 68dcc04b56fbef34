import { type DevicePrivilege, DEVICE_PRIVILEGES } from '@ckm/api';
import { CkmError, equalBytes, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import {
  asXid,
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
  formatEnvelopeUr,
  leaf,
  openAsRecipient,
  type Envelope,
  type Identity,
  sealToRecipients,
  wipeIdentity,
  type Xid,
} from '@ckm/gordian';
import type { ExpectedKey } from '../keys/fetch/expected-keys.js';
import { NETWORKS } from '../keys/key-record.js';
import {
  DEVICE_SLOTS,
  type DeviceSecrets,
  encodeDevice,
  offerIdentity,
  parseDevice,
  wipeDevice,
} from '../owner/device-secrets.js';
import type { ServerRecord } from '../servers/server-record.js';
import { parseName } from '../store/names.js';
import type { RecordReader } from '../store/record-reader.js';
import { welcomeInvalid, welcomeOfAnother } from './device-errors.js';
import { bytesInside, readEnvelope, readMembers } from './envelope-text.js';

/** What a device is told that is let in: everything but the secret that it drew itself. */
export interface Welcome {
  /** What it is called. */
  readonly name: string;
  readonly may: readonly DevicePrivilege[];
  /** 32 bytes; wiped with the welcome. */
  readonly household: Secret<Uint8Array>;
  readonly servers: readonly WelcomeServer[];
  /** Names and networks of keys, which no server knows: to be fetched, and checked then. */
  readonly keys: readonly ExpectedKey[];
}

/** A server, as the owner knows it, and who the device is there. */
export interface WelcomeServer extends Pick<
  ServerRecord,
  'name' | 'url' | 'title' | 'xid' | 'publicKeys' | 'authority' | 'addedAt'
> {
  readonly account: Xid;
  readonly slot: number;
}

/** Of the file, in characters: room for the certificates of {@link DEVICE_SLOTS} authorities. */
export const MOST_WELCOME_CHARACTERS = 1_048_576;
const MOST_KEYS = 4_096;

/**
 * Seals a welcome to a new device, as `ur:envelope/…`.
 * @param sealTo 32 bytes: `sealTo` of its offer
 * @returns what its likeness is taken of: only who knows what is inside makes the same
 */
export function sealWelcome(
  welcome: Welcome,
  sealTo: Uint8Array,
  random: (length: number) => Uint8Array,
): { readonly text: string; readonly digest: Uint8Array } {
  const bytes = encodeData({
    version: 1,
    kind: 'device-welcome',
    name: welcome.name,
    may: [...welcome.may],
    household: reveal(welcome.household, 'welcoming a device'),
    servers: welcome.servers.map(({ publicKeys, ...server }) => ({
      ...server,
      keys: encodePublicKeys(publicKeys),
    })),
    keys: welcome.keys.map((key) => ({ ...key })),
  });
  const inside = leaf(bytes);
  bytes.fill(0);
  const text = formatEnvelopeUr(sealToRecipients(inside, [sealTo], random));
  inside.bytes.fill(0);
  return { text, digest: inside.digest };
}

/**
 * Opens a welcome. Who wrote it, people compare; the caller wipes its household.
 * @param device as `openDeviceFile` gives it
 * @throws EncodingError `DEVICE_WELCOME_INVALID`; AccessError `DEVICE_WELCOME_OTHER`
 */
export function openWelcome(
  device: Secret<Uint8Array>,
  text: string,
): { readonly welcome: Welcome; readonly digest: Uint8Array } {
  if (text.length > MOST_WELCOME_CHARACTERS) throw welcomeInvalid('it is too long');
  const sealed = readEnvelope(text);
  if (sealed === null) throw welcomeInvalid('it cannot be read, or is cut');
  if (sealed.kind === 'leaf') throw welcomeInvalid('it is something else');
  const opened = parseDevice(device);
  const identity = offerIdentity(opened);
  wipeDevice(opened);
  try {
    const inside = unsealed(sealed, identity);
    return { welcome: readWelcome(inside), digest: inside.digest };
  } finally {
    wipeIdentity(identity);
  }
}

function unsealed(sealed: Envelope, { agreementKey }: Identity): Envelope {
  try {
    return openAsRecipient(sealed, agreementKey);
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (error.code === 'ENVELOPE_NOT_FOR_ME') throw welcomeOfAnother('for another device');
    throw welcomeInvalid('it cannot be opened');
  }
}

function readWelcome(inside: Envelope): Welcome {
  const bytes = bytesInside(inside);
  const read = bytes === null ? null : readMembers(bytes, welcomeIn);
  bytes?.fill(0);
  if (read === null) throw welcomeInvalid('it is something else');
  return read;
}

/** Throws what `readMembers` takes for “it is not so”. */
function welcomeIn(members: RecordReader): Welcome {
  const [servers, keys] = [members.records('servers'), members.records('keys')];
  const isOurs = members.text('kind') === 'device-welcome';
  if (!isOurs || servers.length > DEVICE_SLOTS || keys.length > MOST_KEYS) throw welcomeInvalid('');
  const may = members.list('may');
  return {
    name: parseName('device', members.text('name')),
    may: DEVICE_PRIVILEGES.filter((one) => may.includes(one)),
    servers: servers.map(serverIn),
    keys: keys.map(keyIn),
    household: secret(members.bytes('household', 32)),
  };
}

function serverIn(one: RecordReader): WelcomeServer {
  const slot = one.integer('slot');
  if (slot < 0 || slot >= DEVICE_SLOTS) throw welcomeInvalid('');
  return {
    name: parseName('server', one.text('name')),
    url: one.text('url'),
    title: one.text('title'),
    xid: asXid(one.bytes('xid', 32)),
    publicKeys: decodePublicKeys(one.bytes('keys')),
    authority: one.has('authority') ? one.text('authority') : null,
    addedAt: one.integer('addedAt'),
    account: asXid(one.bytes('account', 32)),
    slot,
  };
}

function keyIn(one: RecordReader): ExpectedKey {
  const network = one.has('network') ? NETWORKS.find((known) => known === one.text('network')) : null;
  if (network === undefined) throw welcomeInvalid('');
  return {
    transcriptHash: one.bytes('transcriptHash', 32),
    name: parseName('key', one.text('name')),
    network,
  };
}

/**
 * The device as it is once it has taken a welcome: one that is in already learns of further servers.
 * @returns to be kept; the caller wipes it, and the device that it was
 * @throws AccessError `DEVICE_WELCOME_OTHER`: it is of another owner, or says otherwise who the device is
 */
export function joinedDevice(device: Secret<Uint8Array>, welcome: Welcome): Secret<Uint8Array> {
  const opened = parseDevice(device);
  try {
    assertFits(opened, welcome);
    const accounts = welcome.servers.map(({ xid, account, slot }) => ({ server: xid, account, slot }));
    const others = opened.accounts.filter(
      ({ server }) => !accounts.some((one) => equalBytes(one.server, server)),
    );
    return encodeDevice({
      ...opened,
      household: welcome.household,
      accounts: [...others, ...accounts],
    });
  } finally {
    wipeDevice(opened);
  }
}

function assertFits({ household, accounts }: DeviceSecrets, { household: theirs, servers }: Welcome): void {
  const why = 'comparing households';
  const isOurs = household === null || equalBytes(reveal(household, why), reveal(theirs, why));
  const isSame = servers.every(({ xid, account, slot }) => {
    const known = accounts.find(({ server }) => equalBytes(server, xid));
    return known === undefined || (known.slot === slot && equalBytes(known.account, account));
  });
  if (!isOurs || !isSame) throw welcomeOfAnother('of another owner than the one this device belongs to');
}

export function wipeWelcome({ household }: Welcome): void {
  wipe(household);
}
