import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { encodeCanonical } from './dcbor.js';
import { createUrCollector, createUrParts, formatUr, parseUr } from './ur.js';

// Expectations: the message "Wolf" of 50 and of 256 bytes, cut into parts of 30.
// Source: dspicher/ur-rs, src/ur.rs (test_single_part_ur, test_ur_encoder), which Blockchain Commons' `bc-ur` builds on.
const SINGLE =
  'ur:bytes/hdeymejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtgwdpfnsboxgwlbaawzuefywkdplrsrjynbvygabwjldapfcsdwkbrkch';
const SINGLE_CBOR =
  '5832916ec65cf77cadf55cd7f9cda1a1030026ddd42e905b77adc36e4f2d3ccba44f7f04f2de44f42d84c374a0e149136f25b018';
const PARTS = [
  'ur:bytes/1-9/lpadascfadaxcywenbpljkhdcahkadaemejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtdkgslpgh',
  'ur:bytes/2-9/lpaoascfadaxcywenbpljkhdcagwdpfnsboxgwlbaawzuefywkdplrsrjynbvygabwjldapfcsgmghhkhstlrdcxaefz',
  'ur:bytes/3-9/lpaxascfadaxcywenbpljkhdcahelbknlkuejnbadmssfhfrdpsbiegecpasvssovlgeykssjykklronvsjksopdzmol',
  'ur:bytes/4-9/lpaaascfadaxcywenbpljkhdcasotkhemthydawydtaxneurlkosgwcekonertkbrlwmplssjtammdplolsbrdzcrtas',
  'ur:bytes/5-9/lpahascfadaxcywenbpljkhdcatbbdfmssrkzmcwnezelennjpfzbgmuktrhtejscktelgfpdlrkfyfwdajldejokbwf',
  'ur:bytes/6-9/lpamascfadaxcywenbpljkhdcackjlhkhybssklbwefectpfnbbectrljectpavyrolkzczcpkmwidmwoxkilghdsowp',
  'ur:bytes/7-9/lpatascfadaxcywenbpljkhdcavszmwnjkwtclrtvaynhpahrtoxmwvwatmedibkaegdosftvandiodagdhthtrlnnhy',
  'ur:bytes/8-9/lpayascfadaxcywenbpljkhdcadmsponkkbbhgsoltjntegepmttmoonftnbuoiyrehfrtsabzsttorodklubbuyaetk',
  'ur:bytes/9-9/lpasascfadaxcywenbpljkhdcajskecpmdckihdyhphfotjojtfmlnwmadspaxrkytbztpbauotbgtgtaeaevtgavtny',
];
const WOLF_START =
  '590100916ec65cf77cadf55cd7f9cda1a1030026ddd42e905b77adc36e4f2d3ccba44f7f04f2de44f42d84c374a0e149136f25b01852';

describe('a UR', () => {
  it('in one part is the one of the reference, in either case of letters', () => {
    const resource = { type: 'bytes', cbor: decodeHex(SINGLE_CBOR) };
    expect(formatUr(resource)).toBe(SINGLE);
    expect(parseUr(SINGLE)).toEqual(resource);
    expect(parseUr(` ${SINGLE.toUpperCase()}\n`, 'bytes')).toEqual(resource);
  });

  it('is refused with a changed letter, a missing end, another scheme or another type', () => {
    const bad = [
      SINGLE.replace('hdey', 'hdez'),
      SINGLE.slice(0, -2),
      SINGLE.replace('ur:', 'url:'),
      'ur:',
      'ur:/',
      '',
    ];
    for (const text of bad)
      expect(() => parseUr(text)).toThrow(expect.objectContaining({ code: 'UR_INVALID' }));
    expect(() => parseUr(SINGLE, 'xid')).toThrow(expect.objectContaining({ code: 'UR_TYPE_UNEXPECTED' }));
  });

  it('is refused when it is longer than the limit, before it is decoded', () => {
    const limits = { maxBytes: 10, maxDepth: 4 };
    expect(() => parseUr(`ur:bytes/${'aa'.repeat(100)}`, 'bytes', limits)).toThrow(
      expect.objectContaining({ code: 'UR_INVALID' }),
    );
  });

  it('is refused when what it carries is not CBOR or nests too deep', () => {
    const deep = formatUr({ type: 'bytes', cbor: new Uint8Array(200).fill(0x81) });
    expect(() => parseUr(deep)).toThrow(expect.objectContaining({ code: 'CBOR_TOO_DEEP' }));
    const broken = formatUr({ type: 'bytes', cbor: new Uint8Array([0x18]) });
    expect(() => parseUr(broken)).toThrow(expect.objectContaining({ code: 'CBOR_INVALID' }));
  });
});

describe('a UR in parts', () => {
  const collect = (parts: readonly string[]) => {
    const collector = createUrCollector();
    for (const part of parts) collector.add(part);
    return collector;
  };

  it('is put together and cut as the reference does', () => {
    const whole = collect(PARTS).result()!;
    expect(encodeHex(whole.cbor)).toContain(WOLF_START);
    expect(whole.cbor).toHaveLength(259);
    const cut = createUrParts(whole, 30);
    expect(cut.count).toBe(9);
    expect(PARTS.map(() => cut.next())).toEqual(PARTS);
  });

  it('is put together in any order, with parts missing that mixtures make up for', () => {
    const whole = collect([...PARTS].reverse()).result()!;
    const cut = createUrParts(whole, 30);
    const stream = Array.from({ length: 40 }, () => cut.next()).filter((_, i) => i % 3 !== 0);
    const collector = createUrCollector();
    const needed = stream.findIndex((part) => {
      collector.add(part.toUpperCase());
      return collector.result() !== null;
    });
    expect(collector.result()).toEqual(whole);
    expect(needed).toBeGreaterThan(7);
    expect(collector.progress()).toBe(1);
    expect(collector.add(stream[0]!)).toBe(false);
  });

  it('progress tells which part of the message has come', () => {
    const collector = collect(PARTS.slice(0, 3));
    expect(collector.result()).toBeNull();
    expect(collector.progress()).toBeCloseTo(3 / 9);
    expect(collector.add(PARTS[0]!)).toBe(false);
  });

  it('that fits into one part is one', () => {
    const small = { type: 'bytes', cbor: encodeCanonical(new Uint8Array(5)) };
    const parts = createUrParts(small, 100);
    expect([parts.count, parts.next(), parts.next()]).toEqual([1, formatUr(small), formatUr(small)]);
    expect(collect([formatUr(small)]).result()).toEqual(small);
  });
});

describe('V9: an attacker who shows parts', () => {
  const refuse = (text: string) => {
    const collector = createUrCollector();
    collector.add(PARTS[0]!);
    expect(() => collector.add(text), text).toThrow(expect.objectContaining({ name: 'EncodingError' }));
    for (const part of PARTS) collector.add(part);
    expect(collector.result()?.cbor).toHaveLength(259);
  };

  it('of another resource or type, or with a header that lies, is refused and spoils nothing', () => {
    refuse(PARTS[1]!.replace('ur:bytes', 'ur:envelope'));
    refuse(PARTS[1]!.replace('2-9', '3-9'));
    refuse(PARTS[1]!.replace('2-9', '2-10'));
    refuse(PARTS[1]!.replace('2-9', '0-9'));
    refuse(`${PARTS[1]!}aa`);
    refuse(PARTS[1]!.slice(0, -1));
    const other = createUrParts({ type: 'bytes', cbor: encodeCanonical(new Uint8Array(300).fill(3)) }, 30);
    refuse(other.next());
  });

  it('that claim 60,000 fragments cannot make the mixing arithmetic run', () => {
    refuse(PARTS[1]!.replace('2-9', '2-60000'));
    refuse('ur:bytes/1-1025/aeadaolazmjendeoti');
  });

  it('that are longer than a part can be is refused', () => {
    refuse(`ur:bytes/1-2/${'ae'.repeat(5000)}`);
  });
});
