import { MAX_DEPOSIT_BYTES } from '@ckm/api';
import { encodeHex, encodeUtf8, reveal, secret } from '@ckm/foundation';
import {
  asXid,
  encodeEnvelope,
  formatEnvelopeUr,
  type Envelope,
  primitives,
  splitSecret,
  shareToUr,
} from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { type Deposit, openDeposit, sealDeposit } from './deposit-envelope.js';
import { depositId, depositIdentity, depositKey, depositSet } from './deposit-secret.js';
import { keptInTexts, keptToText } from './kept-text.js';
import { joinKept, splitKept } from './split-secret.js';

const DEPOSIT = secret(Uint8Array.from({ length: 32 }, (_, i) => i));
const KEPT = secret(Uint8Array.from({ length: 32 }, (_, i) => 255 - i));
const SERVER = asXid(new Uint8Array(32).fill(0xa1));
const digestOf = (envelopes: readonly Envelope[]) =>
  envelopes.map((one) => encodeHex(primitives.sha256(encodeEnvelope(one))).slice(0, 16));
let drawn = 0;
const random = (length: number) => new Uint8Array(length).fill(++drawn);
const opened = (bytes: Uint8Array) => encodeHex(bytes);

describe('what is made of a deposit secret', () => {
  // A fourth share that is made by another version has to go together with three of today: none of this may ever change.
  test('is the same for ever', () => {
    expect({
      id: encodeHex(depositId(DEPOSIT)),
      set: encodeHex(depositSet(DEPOSIT, KEPT)),
      key: encodeHex(depositKey(DEPOSIT, SERVER)),
      account: encodeHex(depositIdentity(DEPOSIT, SERVER).xid),
      two: digestOf(splitKept(DEPOSIT, KEPT).two),
      three: digestOf(splitKept(DEPOSIT, KEPT).three),
    }).toMatchInlineSnapshot(`
      {
        "account": "48b503d652b78163063d1ff3b08ee23e5474b2f84c1296b0bb1ad66f896cdf25",
        "id": "21ccfff33c7a106279704fd562e6e3f6",
        "key": "e7f571b20340c9e3c4c68ada66e62c0e7ec1112583489e7daa3cb65a25247e4b",
        "set": "9d2fc759034c98b9ade453ef6dded786",
        "three": [
          "1280b6f693ce1baf",
          "31732e6e8b12425e",
          "fe1d1e4c3511f7c3",
          "ce508eab5eabac04",
          "9f9fa8da2fbb823c",
        ],
        "two": [
          "a1336b75543f902f",
          "9037a4ca90ab2b56",
          "0c9d87bd3c9f44bc",
        ],
      }
    `);
  });

  test('splits: each two of three, and each three of five, open together, and fewer or a mixture do not', () => {
    const { two, three } = splitKept(DEPOSIT, KEPT);
    const kept = encodeHex(reveal(KEPT, 'a test'));
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [2, 1],
    ] as const)
      expect(opened(joinKept([two[a]!, two[b]!]))).toBe(kept);
    for (const [a, b, c] of [
      [0, 1, 2],
      [4, 3, 0],
      [1, 3, 4],
    ] as const)
      expect(opened(joinKept([three[a]!, three[b]!, three[c]!]))).toBe(kept);
    for (const few of [[two[0]!], [three[0]!, three[1]!], [two[0]!, three[1]!]])
      expect(() => joinKept(few)).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_SHARES_INSUFFICIENT' }) as Error,
      );
  });
});

describe('an envelope for a server', () => {
  const places = ['alpha', 'bravo', 'charlie', 'delta', 'echo'].map((name, i) => ({
    name,
    url: `https://${name}.secret-servers.example:8470`,
    xid: asXid(new Uint8Array(32).fill(0xa1 + i)),
  }));
  const { two, three } = splitKept(DEPOSIT, KEPT);
  const facts = { set: depositSet(DEPOSIT, KEPT), at: 1_800_000_000, kind: 'owner' as const };
  const ofThree: Deposit = {
    ...facts,
    member: 1,
    places: places.slice(0, 3),
    two: two[0]!,
    three: three[0]!,
  };
  const ofFive: Deposit = { ...facts, member: 5, places, two: null, three: three[4]! };

  test('fits, with where all of them lie, and opens for that server and with that secret alone', () => {
    for (const deposit of [ofThree, ofFive]) {
      const bytes = sealDeposit(DEPOSIT, SERVER, deposit, random);
      expect(bytes.length).toBeLessThan(MAX_DEPOSIT_BYTES);
      const read = openDeposit(DEPOSIT, SERVER, bytes)!;
      expect({ ...read, two: null, three: null }).toEqual({ ...deposit, two: null, three: null });
      expect(formatEnvelopeUr(read.three)).toBe(formatEnvelopeUr(deposit.three));
      expect(openDeposit(DEPOSIT, places[1]!.xid, bytes)).toBeNull();
      expect(openDeposit(KEPT, SERVER, bytes)).toBeNull();
      for (const at of [0, 9, 100, bytes.length - 1])
        expect(
          openDeposit(
            DEPOSIT,
            SERVER,
            bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
          ),
        ).toBeNull();
      expect(openDeposit(DEPOSIT, SERVER, bytes.subarray(0, -1))).toBeNull();
      // Neither names nor addresses nor which set it is can be read outside.
      for (const text of ['alpha', 'example', 'two of three', 'owner'])
        expect(Buffer.from(bytes).includes(Buffer.from(encodeUtf8(text)))).toBe(false);
    }
  });

  test('that does not fit is refused before anything is sent', () => {
    const long = places.map((place) => ({ ...place, url: `https://${'x'.repeat(120)}.example` }));
    expect(() => sealDeposit(DEPOSIT, SERVER, { ...ofFive, places: long }, random)).toThrow(
      expect.objectContaining({ code: 'DEPOSIT_TOO_LONG' }) as Error,
    );
  });
});

describe('what other tools write down', () => {
  const text = (one: string) => secret(one);
  // Source: BIP-39, of 16 bytes of 0x7f.
  const LEGAL = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
  // A seed of 16 bytes in 2 of the groups 2 of 3 and 3 of 5, as Gordian Seed Tool wrote it. Source: BCR-2020-011
  const SSKR = [
    'ur:sskr/gogrrsbyadaefmnlbnctaaecvoqdfnjpbzecstfgaxtifpsskbfw',
    'ur:sskr/gogrrsbyadadbnluotnykpaootdaweatrotlmsttrobsghbnurrh',
    'ur:sskr/gogrrsbybgaefywsfefhiymofseyihfremkivwsogrespmclwepd',
    'ur:sskr/gogrrsbybgadjlzocwbnskpyfdhehtiobwjzladnswkgtscfhfvt',
    'ur:sskr/gogrrsbybgaootkoehgoztzcreloknrfvawyinssrksnmedtfmks',
  ];

  test('12 words, and shares of two groups, give their 16 bytes, and are written as words again', () => {
    const kept = keptInTexts([text(LEGAL.toUpperCase())]);
    expect(encodeHex(reveal(kept, 'a test'))).toBe('7f'.repeat(16));
    expect(reveal(keptToText(kept), 'a test')).toBe(LEGAL);
    const shared = keptInTexts(SSKR.map(text));
    expect(encodeHex(reveal(shared, 'a test'))).toMatchInlineSnapshot(`"7daa851251002874e1a1995f0897e6b1"`);
  });

  test('shares of ours of any length, as UR in one text, and envelopes of ours', () => {
    for (const length of [16, 24, 32]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i + 7);
      const noise = (count: number) => crypto.getRandomValues(new Uint8Array(count));
      const plan = { groupsNeeded: 1, groups: [{ needed: 2, of: 3 }] };
      const shares = splitSecret(secret(bytes.slice()), plan, noise)[0]!.map(shareToUr);
      const kept = keptInTexts([text(`${shares[2]!}\n${shares[0]!}`)]);
      expect(reveal(kept, 'a test')).toEqual(bytes);
      const copies = splitKept(DEPOSIT, secret(bytes.slice())).two.map(formatEnvelopeUr);
      expect(reveal(keptInTexts([text(copies[1]!), text(copies[2]!)]), 'a test')).toEqual(bytes);
    }
  });
});
