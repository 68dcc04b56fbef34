import { encodeHex, secret } from '@ckm/foundation';
import {
  createIdentity,
  decodeData,
  type Data,
  encodeData,
  encodePublicKeys,
  type Identity,
} from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { FUNCTION_NAMES, FUNCTIONS, needsOf, type Parameters } from '../functions.js';
import {
  deviceKey,
  type DeviceKey,
  DEVICES_BAND,
  type DevicesDocument,
  encodeDevices,
  firstDevices,
  hashDevices,
  MAX_DEVICES_DOCUMENT_BYTES,
  nextDevices,
  parseDevices,
  recoveredDevices,
} from './document.js';
import { comparePlaces, devicesBehind, followDevices } from './follow.js';
import { DEVICE_PRIVILEGES, isAllowed, type KeyMay, mayInWords } from './privileges.js';
import { signDevices, type SignedDevices } from './signed.js';

const seed = (byte: number) => secret(new Uint8Array(32).fill(byte));
const alice = createIdentity(seed(1));
const mallory = createIdentity(seed(66));
const server = createIdentity(seed(9)).xid;
const device = (byte: number) => createIdentity(seed(byte), alice.xid);
const [laptop, phone, tablet] = [device(2), device(3), device(4)];
const all = DEVICE_PRIVILEGES;
const ofLaptop = deviceKey(laptop.publicKeys, all);

const first = firstDevices(server, alice.xid, alice.publicKeys);
/** The words have put a laptop on it that may do everything. */
const one = nextDevices(first, [ofLaptop], alice.xid);
const by = (who: Identity, before: DevicesDocument, keys: readonly DeviceKey[], raises = false) =>
  signDevices(nextDevices(before, keys, deviceKey(who.publicKeys, []).id, raises), who);

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'OK';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the bytes of a list', () => {
  test('come back as they were, and never change', () => {
    const list = nextDevices(
      one,
      [ofLaptop, deviceKey(phone.publicKeys, ['use'], Uint8Array.of(7))],
      ofLaptop.id,
    );
    expect(parseDevices(encodeDevices(list))).toEqual(list);
    // Frozen: what was signed once is verified for as long as anybody has it.
    expect(encodeHex(hashDevices(first))).toMatchInlineSnapshot(
      `"8784fa4feec534308da32fe1273b1d43c89712f2ac7768974bab9f6d5c4fd4d4"`,
    );
  });

  test('of sixteen devices with the longest notes are within what is read', () => {
    const keys = Array.from({ length: 16 }, (_, i) =>
      deviceKey(device(100 + i).publicKeys, all, new Uint8Array(256).fill(1)),
    );
    const list = nextDevices(first, keys, alice.xid);
    expect(encodeDevices(list).length).toBeLessThan(MAX_DEVICES_DOCUMENT_BYTES);
    expect(followDevices(first, signDevices(list, alice)).keys).toHaveLength(16);
    const more = [...keys, deviceKey(phone.publicKeys, [])];
    expect(codeOf(() => parseDevices(encodeDevices(nextDevices(first, more, alice.xid))))).toBe(
      'DEVICES_TOO_MANY',
    );
  });

  test('V9: are refused where anything is missing, more, out of order, twice or of another kind', () => {
    const fields = decodeData(encodeDevices(one)) as Record<string, Data>;
    const [entry] = fields['keys'] as readonly Record<string, Data>[];
    const another = { ...entry, publicKeys: encodePublicKeys(phone.publicKeys) };
    const changed: readonly Record<string, Data>[] = [
      { ...fields, v: 2 },
      { ...fields, more: 1 },
      { ...fields, server: new Uint8Array(31) },
      { ...fields, generation: -1 },
      { ...fields, number: 32_768 },
      { ...fields, keys: [entry!, entry!] },
      { ...fields, keys: [{ ...entry, may: ['manage', 'use'] }] },
      { ...fields, keys: [{ ...entry, may: ['use', 'use'] }] },
      { ...fields, keys: [{ ...entry, may: ['all'] }] },
      { ...fields, keys: [{ ...entry, notes: new Uint8Array(257) }] },
      { ...fields, keys: [{ ...entry, publicKeys: encodePublicKeys(alice.publicKeys) }] },
      { ...fields, keys: [{ ...entry, publicKeys: new Uint8Array(80) }] },
      { ...fields, words: new Uint8Array(10) },
      { ...fields, by: null },
    ];
    for (const one of changed) expect(codeOf(() => parseDevices(encodeData(one)))).toBe('DEVICES_INVALID');
    const bothOrders = [
      [entry!, another],
      [another, entry!],
    ].map((keys) => codeOf(() => parseDevices(encodeData({ ...fields, keys }))));
    expect(bothOrders.toSorted()).toEqual(['DEVICES_INVALID', 'OK']);
    for (const bytes of [new Uint8Array(0), encodeData(7), encodeDevices(one).subarray(1)]) {
      expect(codeOf(() => parseDevices(bytes))).toBe('DEVICES_INVALID');
    }
    expect(codeOf(() => parseDevices(new Uint8Array(MAX_DEVICES_DOCUMENT_BYTES + 1)))).toBe(
      'DEVICES_TOO_LONG',
    );
  });
});

describe('the list that follows', () => {
  const follow = (before: DevicesDocument, signed: SignedDevices) =>
    codeOf(() => followDevices(before, signed));

  test('is the next number, made from the one before and signed by the words or by a device that manages', () => {
    const two = followDevices(one, by(laptop, one, [ofLaptop, deviceKey(phone.publicKeys, ['use'])]));
    expect([two.generation, two.number, two.keys.length]).toEqual([0, 2, 2]);
    expect(follow(two, by(alice, two, []))).toBe('OK');
    expect(follow(one, by(laptop, one, []))).toBe('OK');
  });

  test('is not of another server or account, not an older one, and leaves none out', () => {
    const signed = by(laptop, one, [ofLaptop]);
    const two = followDevices(one, signed);
    const elsewhere = firstDevices(mallory.xid, alice.xid, alice.publicKeys);
    const another = firstDevices(server, mallory.xid, mallory.publicKeys);
    expect(follow(elsewhere, signed)).toBe('DEVICES_FOR_OTHERS');
    expect(follow(another, signed)).toBe('DEVICES_FOR_OTHERS');
    expect(follow(two, signed)).toBe('DEVICES_OLD');
    expect(follow(two, signDevices(one, alice))).toBe('DEVICES_OLD');
    expect(follow(one, by(laptop, two, [ofLaptop]))).toBe('DEVICES_LINK_MISSING');
    const beside = followDevices(first, by(alice, first, [ofLaptop, deviceKey(tablet.publicKeys, [])]));
    expect(follow(beside, by(laptop, one, [ofLaptop]))).toBe('DEVICES_LINK_MISSING');
  });

  test('is signed by a key that was in the one before, and by nobody else', () => {
    expect(follow(one, by(phone, one, [ofLaptop]))).toBe('DEVICES_SIGNATURE_INVALID');
    expect(follow(one, by(mallory, one, [ofLaptop]))).toBe('DEVICES_SIGNATURE_INVALID');
    const good = by(laptop, one, [ofLaptop]);
    const broken = { ...good, signature: good.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) };
    expect(follow(one, broken)).toBe('DEVICES_SIGNATURE_INVALID');
    const said = { ...nextDevices(one, [ofLaptop], ofLaptop.id) };
    expect(codeOf(() => signDevices(said, alice))).toBe('DEVICES_NOT_ALLOWED');
    // Somebody who was removed is nobody any more.
    const without = followDevices(one, by(alice, one, []));
    expect(follow(without, by(laptop, without, [ofLaptop]))).toBe('DEVICES_SIGNATURE_INVALID');
  });

  test('gives nobody more than its signer has, and is made by no device that may not manage', () => {
    const manager = deviceKey(laptop.publicKeys, ['use', 'manage']);
    const two = followDevices(first, by(alice, first, [manager, deviceKey(phone.publicKeys, ['use'])]));
    const make = deviceKey(tablet.publicKeys, ['make']);
    const keep = two.keys;
    expect(follow(two, by(laptop, two, [...keep, make]))).toBe('DEVICES_NOT_ALLOWED');
    expect(follow(two, by(laptop, two, [deviceKey(laptop.publicKeys, all)]))).toBe('DEVICES_NOT_ALLOWED');
    expect(follow(two, by(phone, two, keep))).toBe('DEVICES_NOT_ALLOWED');
    expect(follow(two, by(laptop, two, [...keep, deviceKey(tablet.publicKeys, ['use', 'manage'])]))).toBe(
      'OK',
    );
    // What somebody else has already, it may leave as it is.
    const three = followDevices(two, by(alice, two, [...keep, make]));
    expect(follow(three, by(laptop, three, [manager, make]))).toBe('OK');
  });

  test('takes nobody’s words away and gives no device another key, whoever signs it', () => {
    const taken = { ...nextDevices(one, [ofLaptop], ofLaptop.id), words: mallory.publicKeys };
    expect(follow(one, signDevices(taken, laptop))).toBe('DEVICES_NOT_ALLOWED');
    const mixed = { signing: laptop.publicKeys.signing, agreement: mallory.publicKeys.agreement };
    for (const who of [laptop, alice]) {
      expect(follow(one, by(who, one, [deviceKey(mixed, all)]))).toBe('DEVICES_NOT_ALLOWED');
    }
  });

  test('L9: of the next generation is the words’ alone, whatever the number before was', () => {
    expect(follow(one, by(laptop, one, [ofLaptop], true))).toBe('DEVICES_NOT_ALLOWED');
    let ahead = one;
    for (let i = 0; i < 20; i++) ahead = followDevices(ahead, by(laptop, ahead, [ofLaptop]));
    // Made without knowing of any of those: what the words begin needs no link.
    const raised = by(alice, one, [deviceKey(phone.publicKeys, ['use'])], true);
    const now = followDevices(ahead, raised);
    expect([now.generation, now.number, now.keys.map(({ id }) => id)]).toEqual([
      1,
      0,
      [deviceKey(phone.publicKeys, []).id],
    ]);
    expect(follow(now, by(laptop, ahead, [ofLaptop]))).toBe('DEVICES_OLD');
    const skipped = { ...nextDevices(one, [], alice.xid, true), generation: 2 };
    expect(follow(one, signDevices(skipped, alice))).toBe('DEVICES_LINK_MISSING');
  });

  test('is found by whoever was away, link by link, over generations that are not kept any more', () => {
    const two = by(laptop, one, [ofLaptop, deviceKey(phone.publicKeys, all)]);
    expect(devicesBehind(first, [signDevices(one, alice), two]).number).toBe(2);
    expect(codeOf(() => devicesBehind(first, [two]))).toBe('DEVICES_LINK_MISSING');
    const third = { ...nextDevices(one, [ofLaptop], alice.xid, true), generation: 3 };
    expect(devicesBehind(first, [signDevices(third, alice)]).generation).toBe(3);
    const forged = { ...third, by: ofLaptop.id };
    expect(codeOf(() => devicesBehind(one, [signDevices(forged, laptop)]))).toBe('DEVICES_NOT_ALLOWED');
    expect(comparePlaces({ generation: 1, number: 0 }, { generation: 0, number: 900 })).toBeGreaterThan(0);
  });
});

describe('a recovery', () => {
  const identity = createIdentity(seed(9));
  const recovered = (before: DevicesDocument, who: Identity, number?: number) => {
    const list = recoveredDevices(before, deviceKey(who.publicKeys, all), identity.publicKeys);
    return signDevices(number === undefined ? list : { ...list, number }, identity);
  };
  const atTheEnd: DevicesDocument = { ...one, number: DEVICES_BAND - 1 };

  test('opens a band of numbers of its own: the device that it lets in signs in that, whoever used up those before', () => {
    expect(codeOf(() => followDevices(atTheEnd, by(laptop, atTheEnd, [ofLaptop])))).toBe(
      'DEVICES_NOT_ALLOWED',
    );
    expect(codeOf(() => followDevices(atTheEnd, by(alice, atTheEnd, [ofLaptop])))).toBe(
      'DEVICES_NOT_ALLOWED',
    );
    expect(codeOf(() => followDevices(atTheEnd, by(alice, atTheEnd, [ofLaptop], true)))).toBe('OK');
    for (const before of [one, atTheEnd]) {
      const list = followDevices(before, recovered(before, phone));
      expect([list.generation, list.number]).toEqual([0, DEVICES_BAND]);
      const more = [deviceKey(phone.publicKeys, all), deviceKey(tablet.publicKeys, ['use'])];
      const two = followDevices(list, by(phone, list, more));
      expect([two.number, two.keys.length]).toEqual([DEVICES_BAND + 1, 2]);
      expect(followDevices(two, recovered(two, laptop)).number).toBe(2 * DEVICES_BAND);
    }
  });

  test('takes no other number, and a device none of a recovery', () => {
    for (const number of [2, DEVICES_BAND + 1, 2 * DEVICES_BAND])
      expect(codeOf(() => followDevices(one, recovered(one, phone, number)))).toBe('DEVICES_LINK_MISSING');
    const jumped = { ...nextDevices(one, [ofLaptop], ofLaptop.id), number: DEVICES_BAND };
    expect(codeOf(() => followDevices(one, signDevices(jumped, laptop)))).toBe('DEVICES_LINK_MISSING');
    expect(codeOf(() => followDevices(one, recovered(one, laptop)))).toBe('DEVICES_NOT_ALLOWED');
  });
});

describe('what a function takes of the key that asks', () => {
  test('stands on the line of each that is not for strangers or approvers', () => {
    for (const name of FUNCTION_NAMES) {
      const row: { readonly may: string; readonly needs?: unknown } = FUNCTIONS[name];
      expect([name, row.needs !== undefined]).toEqual([name, !['stranger', 'approver'].includes(row.may)]);
    }
  });

  test('of a ceremony goes by its kind, and a kind that nobody knows takes most', () => {
    const needs = (kind: string) =>
      needsOf('session.propose', { proposal: { kind } } as unknown as Parameters<'session.propose'>);
    expect(['dkg', 'import', 'reshare', 'repair', 'export', 'later'].map(needs)).toEqual([
      'make',
      'make',
      'carry',
      'manage',
      'manage',
      'manage',
    ]);
  });

  test('is there or is not, by what the key may do', () => {
    const may: readonly KeyMay[] = [null, [], ['use'], ['make'], ['manage']];
    const table = (['look', 'carry', 'use', 'make', 'manage', 'words'] as const).map((needs) =>
      may.map((one) => (isAllowed(one, needs) ? 1 : 0)).join(''),
    );
    expect(table).toEqual(['11111', '10111', '10100', '10010', '10001', '10000']);
    expect([mayInWords(null), mayInWords([]), mayInWords(['use'])]).toEqual([
      'everything',
      'look',
      'look, use keys',
    ]);
  });
});
