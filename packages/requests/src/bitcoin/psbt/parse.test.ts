import { concatBytes, decodeHex } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, pay, psbtOf } from '../../fixtures/psbt.js';
import { BITCOIN_MAX_BYTES, parseBitcoin } from './parse.js';
import { encodeSize } from '../script/bytes.js';
import { readPsbtMaps, withRecord, writePsbtMaps, type PsbtMap } from './psbt-maps.js';

const treasury = bitcoinKey();
const inputs = [coin(treasury, 0, 600_000n)];
const outputs = [pay(500_000n), back(treasury, 0, 99_000n)];
const zero = psbtOf(inputs, outputs);
const two = psbtOf(inputs, outputs, { psbtVersion: 2 });

function parsed(psbt: Uint8Array): string {
  return outcome(() => parseBitcoin(psbt));
}

function changed(psbt: Uint8Array, at: number, change: (map: PsbtMap) => PsbtMap): Uint8Array {
  const maps = [...readPsbtMaps(psbt)];
  maps[at] = change(maps[at]!);
  return writePsbtMaps(maps);
}

describe('V9: a PSBT that is not exactly one PSBT is refused', () => {
  test('both versions are read, and written back byte for byte', () => {
    expect(parsed(zero)).toBe('accepted');
    expect(parsed(two)).toBe('accepted');
    expect(writePsbtMaps(readPsbtMaps(zero))).toEqual(zero);
    expect(writePsbtMaps(readPsbtMaps(two))).toEqual(two);
  });

  test('a PSBT cut off anywhere is refused', () => {
    for (const psbt of [zero, two]) {
      for (let length = 0; length < psbt.length; length++) {
        expect(parsed(psbt.subarray(0, length)), `cut at ${length}`).toBe('PSBT_MALFORMED');
      }
    }
  });

  test('with bytes after it, a whole empty map among them', () => {
    for (const tail of ['00', '0000', 'ff', '01']) {
      expect(parsed(concatBytes(zero, decodeHex(tail)))).toBe('PSBT_MALFORMED');
      expect(parsed(concatBytes(two, decodeHex(tail)))).toBe('PSBT_MALFORMED');
    }
  });

  test('a PSBT with another magic, or none, is refused', () => {
    expect(parsed(new Uint8Array())).toBe('PSBT_MALFORMED');
    expect(parsed(decodeHex('70736274ff'))).toBe('PSBT_MALFORMED');
    expect(parsed(decodeHex('70736274ff00'))).toBe('PSBT_MALFORMED');
    expect(parsed(decodeHex('70736274fe00'))).toBe('PSBT_MALFORMED');
  });

  test('with the same key twice, same value or another', () => {
    for (const psbt of [zero, two]) {
      for (let at = 0; at < 4; at++) {
        const twice = changed(psbt, at, (map) => (map[0] === undefined ? map : [...map, map[0]]));
        if (readPsbtMaps(psbt)[at]!.length > 0) expect(parsed(twice)).toBe('PSBT_MALFORMED');
      }
    }
  });

  test('with a type spelled the long way, as a second one of the same', () => {
    const long = { key: decodeHex('fd1300'), value: new Uint8Array(64) };
    expect(parsed(changed(zero, 1, (map) => [...map, long]))).toBe('PSBT_MALFORMED');
  });

  test('with a length not in its shortest form', () => {
    const at = 5;
    expect(zero[at]).toBe(1);
    const longer = concatBytes(zero.subarray(0, at), decodeHex('fd0100'), zero.subarray(at + 1));
    expect(parsed(longer)).toBe('PSBT_MALFORMED');
  });

  test('a PSBT with counts of 2³² and more is refused', () => {
    for (const type of [0x04, 0x05]) {
      for (const count of ['feffffffff', 'ff0000000001000000', 'ffffffffffffffffff', 'fd0002', '00', '03']) {
        const lying = changed(two, 0, (map) => withRecord(map, type, decodeHex(count)));
        expect(parsed(lying), `${type} ${count}`).toBe('PSBT_MALFORMED');
      }
    }
    expect(parsed(concatBytes(decodeHex('70736274ff'), decodeHex('ffffffffffffffffff')))).toBe(
      'PSBT_TOO_MANY_PARTS',
    );
    expect(parsed(concatBytes(decodeHex('70736274ff0100'), decodeHex('ffffffffffffffffff')))).toBe(
      'PSBT_MALFORMED',
    );
  });

  test('a PSBT that mixes fields of both versions is refused', () => {
    const unsigned = readPsbtMaps(zero)[0]!.find(({ key }) => key[0] === 0)!.value;
    expect(parsed(changed(two, 0, (map) => withRecord(map, 0x00, unsigned)))).toBe('PSBT_MALFORMED');
    expect(parsed(changed(zero, 0, (map) => withRecord(map, 0xfb, decodeHex('02000000'))))).toBe(
      'PSBT_MALFORMED',
    );
    expect(parsed(changed(zero, 0, (map) => withRecord(map, 0xfb, decodeHex('01000000'))))).toBe(
      'PSBT_MALFORMED',
    );
    // Fields of version 2 that would override the transaction of version 0.
    for (const [type, value] of [
      [0x0e, '11'.repeat(32)],
      [0x0f, '07000000'],
      [0x10, '00000000'],
    ] as const) {
      expect(parsed(changed(zero, 1, (map) => withRecord(map, type, decodeHex(value))))).toBe(
        'PSBT_MALFORMED',
      );
    }
    expect(parsed(changed(zero, 2, (map) => withRecord(map, 0x03, decodeHex('0100000000000000'))))).toBe(
      'PSBT_MALFORMED',
    );
  });

  test('with more inputs or outputs than one request may have', { tags: 'slow' }, () => {
    const many = Array.from({ length: 513 }, (_, at) => pay(1_000n, `${at}`));
    expect(parsed(psbtOf(inputs, many))).toBe('PSBT_TOO_MANY_PARTS');
    const maps = Array.from({ length: 1_100 }, () => Uint8Array.of(0));
    expect(parsed(concatBytes(decodeHex('70736274ff'), ...maps))).toBe('PSBT_TOO_MANY_PARTS');
  });

  test('with more derivations than anybody needs: each costs its reader work', () => {
    const claims = (at: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        key: concatBytes(Uint8Array.of(0x07, at, index), new Uint8Array(31)),
        value: new Uint8Array(5),
      }));
    const one = changed(zero, 2, (map) => [...map, ...claims(0, 257)]);
    expect(parsed(one)).toBe('PSBT_TOO_MANY_PARTS');
    const maps = readPsbtMaps(
      psbtOf(
        inputs,
        Array.from({ length: 20 }, (_, at) => pay(1_000n, `${at}`)),
      ),
    );
    const many = writePsbtMaps(maps.map((map, at) => (at < 2 ? map : [...map, ...claims(at, 110)])));
    expect(parsed(many)).toBe('PSBT_TOO_MANY_PARTS');
  });

  test('with a witness of more items than there is any use for: each becomes a value', () => {
    const witness = (items: number) =>
      changed(zero, 1, (map) => withRecord(map, 0x08, concatBytes(encodeSize(items), new Uint8Array(items))));
    expect(parsed(witness(16_384))).toBe('accepted');
    expect(parsed(witness(16_385))).toBe('PSBT_TOO_MANY_PARTS');
  });

  test('a PSBT larger than its kind allows is refused', () => {
    expect(parsed(new Uint8Array(BITCOIN_MAX_BYTES + 1))).toBe('PAYLOAD_TOO_LARGE');
  });

  test('a PSBT without inputs or outputs is refused', () => {
    expect(parsed(psbtOf(inputs, []))).toBe('PSBT_MALFORMED');
    expect(parsed(psbtOf([], outputs))).toBe('PSBT_MALFORMED');
  });
});

test('no record is larger in memory than on the wire: sizes are checked before they are used', () => {
  expect([...encodeSize(0xfc), ...encodeSize(0xfd), ...encodeSize(0x10000)]).toEqual([
    0xfc, 0xfd, 0xfd, 0x00, 0xfe, 0x00, 0x00, 0x01, 0x00,
  ]);
});

test('what parse returns does not change with the bytes it was given', () => {
  const bytes = zero.slice();
  const request = parseBitcoin(bytes);
  bytes.fill(0);
  expect(request).toEqual(parseBitcoin(zero));
});
