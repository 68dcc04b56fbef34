import { devicesBehind, deviceKey, firstDevices, nextDevices, signDevices } from '@ckm/api';
import { CkmError, encodeHex, reveal, secret, wipe } from '@ckm/foundation';
import { asXid, formatWords, likenessOf, type Xid } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import {
  accountOfWords,
  deviceIdentity,
  draftDevice,
  encodeDevice,
  firstDevice,
  householdOf,
  isAccountOf,
  isDevice,
  MOST_DEVICE_BYTES,
  parseDevice,
} from '../owner/device-secrets.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { identityForServer } from '../seed/identity.js';
import { changedKeys } from './lists/device-change.js';
import { behind, emptyList, linksBehind } from './lists/known-list.js';
import { assertFresh, assertDeviceLikeness, makeDeviceOffer, offeredId, parseDeviceOffer } from './offer.js';
import { slotsFor } from './taken-offer.js';
import { joinedDevice, openWelcome, sealWelcome, type Welcome } from './welcome.js';

const NOW = 1_790_000_000;
const words = () => secret(new Uint8Array(32).fill(7));
let drawn = 0;
const random = (length: number) => new Uint8Array(length).fill(++drawn);
const xid = (byte: number): Xid => asXid(new Uint8Array(32).fill(byte));
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'OK';
};

/** A device that is in at these servers. */
function inAt(...servers: readonly Xid[]) {
  const device = firstDevice(words(), random);
  const accounts = servers.map((server, slot) => ({
    server,
    slot,
    account: accountOfWords(words(), server),
  }));
  return { ...device, accounts };
}

describe('a device as bytes', () => {
  test('comes back as it was, and is no owner seed', () => {
    const device = inAt(xid(1), xid(2));
    const bytes = encodeDevice(device);
    const again = parseDevice(bytes);
    const open = (one: typeof again) => [
      encodeHex(reveal(one.secret, 'test')),
      encodeHex(reveal(one.household!, 'test')),
      encodeHex(reveal(one.records.mac, 'test')),
      one.accounts,
    ];
    expect(open(again)).toEqual(open(device));
    expect(isDevice(reveal(bytes, 'test'))).toBe(true);
    expect(isDevice(new Uint8Array(32))).toBe(false);
    expect(reveal(bytes, 'test').length).toBeLessThan(MOST_DEVICE_BYTES);
  });

  test('of another layout, cut, or of something else are refused by their own codes', () => {
    const bytes = reveal(encodeDevice(inAt(xid(1))), 'test');
    const other = bytes.slice();
    other[4] = 2;
    expect(codeOf(() => parseDevice(secret(other)))).toBe('DEVICE_FILE_UNKNOWN');
    expect(codeOf(() => parseDevice(secret(bytes.slice(0, -1))))).toBe('DEVICE_FILE_CORRUPT');
    expect(codeOf(() => parseDevice(words()))).toBe('DEVICE_FILE_CORRUPT');
  });

  test('speaks at each server with a key of its own, under the account that the words have there', () => {
    const device = inAt(xid(1), xid(2));
    const [one, two] = [deviceIdentity(device, xid(1))!, deviceIdentity(device, xid(2))!];
    expect(one.xid).toEqual(identityForServer(words(), xid(1)).xid);
    expect(one.xid).not.toEqual(two.xid);
    expect(one.publicKeys).not.toEqual(two.publicKeys);
    expect(one.publicKeys).not.toEqual(identityForServer(words(), xid(1)).publicKeys);
    expect(deviceIdentity(device, xid(3))).toBeNull();
    expect(isAccountOf(encodeDevice(device), words())).toBe(true);
    expect(isAccountOf(encodeDevice(device), secret(new Uint8Array(32).fill(8)))).toBe(false);
    expect(isAccountOf(draftDevice(random), words())).toBeNull();
  });
});

describe('the name of a device', () => {
  const { publicKeys } = identityForServer(words(), xid(1));
  const household = householdOf(words());

  test('is read by whoever has the household, beside the key that it was sealed for, and is of one length', () => {
    const [short, long] = ['pc', 'x'.repeat(32)].map((name) =>
      sealDeviceName(household, publicKeys, name, random),
    );
    expect(openDeviceName(household, publicKeys, short!)).toBe('pc');
    expect(openDeviceName(household, publicKeys, long!)).toBe('x'.repeat(32));
    expect(short!.length).toBe(long!.length);
    expect(encodeHex(sealDeviceName(household, publicKeys, 'pc', random))).not.toBe(encodeHex(short!));
    expect(openDeviceName(householdOf(secret(new Uint8Array(32))), publicKeys, short!)).toBeNull();
    expect(openDeviceName(household, identityForServer(words(), xid(2)).publicKeys, short!)).toBeNull();
    expect(openDeviceName(household, publicKeys, new Uint8Array(0))).toBeNull();
  });
});

describe('an offer', () => {
  const device = draftDevice(random);
  const { text, digest } = makeDeviceOffer(device, 'phone', NOW);

  test('shows a key for each of 32 servers, and the same six words on both sides', () => {
    const offer = parseDeviceOffer(`\n ${text} \n`);
    expect(offer).toMatchObject({ name: 'phone', madeAt: NOW });
    expect(offer.keys.length).toBe(32);
    expect(offer.digest).toEqual(digest);
    expect(codeOf(() => assertDeviceLikeness('offer', offer.digest, formatWords(likenessOf(digest))))).toBe(
      'OK',
    );
    const others = 'acid-also-apex-aqua-arch-atom';
    expect(codeOf(() => assertDeviceLikeness('offer', offer.digest, others))).toBe(
      'DEVICE_LIKENESS_MISMATCH',
    );
    const later = parseDeviceOffer(makeDeviceOffer(device, 'phone', NOW + 1).text);
    expect(later.digest).not.toEqual(digest);
    expect(offeredId(later)).toEqual(offeredId(offer));
  });

  test('is good for ten minutes, and for the difference of two clocks', () => {
    const offer = parseDeviceOffer(text);
    for (const later of [0, -100, 600, 700]) expect(codeOf(() => assertFresh(offer, NOW + later))).toBe('OK');
    for (const later of [-130, 800, 86_400])
      expect(codeOf(() => assertFresh(offer, NOW + later))).toBe('DEVICE_OFFER_EXPIRED');
  });

  test.each([
    ['cut', text.slice(0, -8)],
    ['with a letter changed', text.replace(/.$/, (last) => (last === 'a' ? 'e' : 'a'))],
    ['something else', 'ur:seed/oyadgdaawzwplrbdhdpabgrnvokorolnrtemksayyadmut'],
    ['empty', ''],
    ['very long', 'u'.repeat(100_000)],
  ])('that is %s is refused', (_what, given) => {
    expect(codeOf(() => parseDeviceOffer(given))).toBe('DEVICE_OFFER_INVALID');
  });
});

describe('a welcome', () => {
  const device = draftDevice(random);
  const offer = parseDeviceOffer(makeDeviceOffer(device, 'phone', NOW).text);
  const server = (byte: number, slot: number) => ({
    name: `server-${byte}`,
    url: 'https://one.example',
    title: 'One',
    xid: xid(byte),
    publicKeys: identityForServer(words(), xid(byte)).publicKeys,
    authority: byte === 1 ? '-----BEGIN CERTIFICATE-----' : null,
    addedAt: NOW,
    account: accountOfWords(words(), xid(byte)),
    slot,
  });
  const welcome = (...servers: Welcome['servers']): Welcome => ({
    name: 'phone',
    may: ['use'],
    household: householdOf(words()),
    servers,
    keys: [{ transcriptHash: new Uint8Array(32).fill(5), name: 'notes', network: null }],
  });
  const sealed = sealWelcome(welcome(server(1, 0), server(2, 3)), offer.sealTo, random);

  test('is opened by the device that made the offer, says all that was said, and has the same six words there', () => {
    const { welcome: opened, digest } = openWelcome(device, sealed.text);
    expect(digest).toEqual(sealed.digest);
    const { household, ...said } = opened;
    const { household: given, ...meant } = welcome(server(1, 0), server(2, 3));
    expect(said).toEqual(meant);
    expect(reveal(household, 'test')).toEqual(reveal(given, 'test'));
    const joined = parseDevice(joinedDevice(device, opened));
    expect(joined.accounts.map(({ slot }) => slot)).toEqual([0, 3]);
    expect(deviceIdentity(joined, xid(2))!.publicKeys).toEqual(offer.keys[3]);
    expect(deviceIdentity(joined, xid(2))!.xid).toEqual(accountOfWords(words(), xid(2)));
  });

  test('for another device, cut, or that is an offer is refused', () => {
    expect(codeOf(() => openWelcome(draftDevice(random), sealed.text))).toBe('DEVICE_WELCOME_OTHER');
    expect(codeOf(() => openWelcome(device, sealed.text.slice(0, -8)))).toBe('DEVICE_WELCOME_INVALID');
    expect(codeOf(() => openWelcome(device, makeDeviceOffer(device, 'phone', NOW).text))).toBe(
      'DEVICE_WELCOME_INVALID',
    );
  });

  test('of a further server leaves the device what it was; one of another owner, or of another slot, is refused', () => {
    const first = joinedDevice(device, welcome(server(1, 0)));
    const both = parseDevice(joinedDevice(first, welcome(server(1, 0), server(2, 3))));
    expect(both.accounts.length).toBe(2);
    expect(codeOf(() => joinedDevice(first, welcome(server(1, 5))))).toBe('DEVICE_WELCOME_OTHER');
    const theirs = { ...welcome(server(1, 0)), household: householdOf(secret(new Uint8Array(32))) };
    expect(codeOf(() => joinedDevice(first, theirs))).toBe('DEVICE_WELCOME_OTHER');
  });
});

test('each server keeps its slot, and a new one gets the first that no server was ever shown', () => {
  const before = slotsFor([xid(1), xid(2), xid(3)], []);
  expect(before.map(({ slot }) => slot)).toEqual([0, 1, 2]);
  const after = slotsFor([xid(4), xid(3), xid(1)], before);
  expect(after.map(({ server, slot }) => [server[0], slot])).toEqual([
    [1, 0],
    [3, 2],
    [4, 3],
  ]);
});

describe('the list of one server', () => {
  const me = identityForServer(words(), xid(1));
  const device = deviceIdentity(inAt(xid(1)), xid(1))!;
  const household = householdOf(words());
  const keyOf = (name: string) =>
    deviceKey(device.publicKeys, ['manage'], sealDeviceName(household, device.publicKeys, name, random));
  const first = firstDevices(xid(1), me.xid, me.publicKeys);
  const one = nextDevices(first, [keyOf('phone')], me.xid);
  const two = nextDevices(one, [], me.xid);
  const three = nextDevices(two, [keyOf('tablet')], me.xid, true);
  const links = [one, two, three].map((list) => signDevices(list, me));
  const start = () => emptyList(xid(1), me.xid, me.publicKeys)!;

  test('is followed from its beginning, and what a server lacks is what comes behind its place', () => {
    const known = behind(start(), links.slice(0, 2));
    expect(known.list.number).toBe(2);
    expect(linksBehind(known, { generation: 0, number: 1 })).toEqual([links[1]]);
    expect(linksBehind(known, { generation: 0, number: 0 })).toEqual(links.slice(0, 2));
    expect(linksBehind(known, { generation: 0, number: 2 })).toEqual([]);
    const raised = behind(known, [links[2]!]);
    expect(raised.list).toMatchObject({ generation: 1, number: 0 });
    expect(raised.links).toEqual([links[2]]);
    expect(linksBehind(raised, { generation: 0, number: 2 })).toEqual([links[2]]);
    // Whoever comes later is shown the new generation alone.
    expect(behind(start(), [links[2]!]).list).toEqual(devicesBehind(first, [links[2]!]));
  });

  test('begins with the keys that the account is named after, and no others', () => {
    expect(emptyList(xid(1), me.xid, device.publicKeys)).toBeNull();
  });

  test('is changed once: a device is put in, called otherwise and taken out, and what is so already changes nothing', () => {
    const put = (name: string) => ({ kind: 'put' as const, name, key: keyOf(name) });
    const keys = changedKeys([], put('phone'), household)!;
    expect(keys.length).toBe(1);
    expect(changedKeys(keys, put('phone'), household)).toBeNull();
    const renamed = changedKeys(keys, put('tablet'), household)!;
    expect(renamed.map((key) => openDeviceName(household, key.publicKeys, key.notes))).toEqual(['tablet']);
    const remove = { kind: 'remove' as const, name: 'tablet', id: null };
    expect(changedKeys(renamed, remove, household)).toEqual([]);
    expect(changedKeys(keys, remove, household)).toBeNull();
    expect(changedKeys(keys, { ...remove, id: keys[0]!.id }, household)).toEqual([]);
    expect(changedKeys([], remove, household)).toBeNull();
  });
});

test('a secret of a device that was wiped is not used', () => {
  const bytes = draftDevice(random);
  wipe(bytes);
  expect(codeOf(() => parseDevice(bytes))).toBe('SECRET_WIPED');
});
