import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { oddDigits, selectPoint } from './backends/secret-window.js';
import { createTinySecp256k1, loadTinySecp256k1, type TinySecp256k1 } from './backends/tiny-secp256k1.js';
import type { SecretScalar } from './group.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const bytesOf = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
const integerOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

const SCALARS = [
  ...[1n, 2n, 3n, 30n, 31n, 32n, 33n, 1n << 255n, ORDER >> 1n].flatMap((value) => [value, ORDER - value]),
  ...Array.from({ length: 50 }, () => integerOf(randomBytes(32)) % ORDER),
];

describe('digits of a secret scalar', () => {
  test('oddDigits gives digits that add up to the scalar or its negative', () => {
    for (const scalar of SCALARS) {
      const { digits, isNegated } = oddDigits(bytesOf(scalar));
      const sum = [...digits].reduce((value, digit) => 32n * value + BigInt(2 * digit - 31), 1n);
      expect(isNegated === 1 ? ORDER - sum : sum).toBe(scalar);
      expect([...digits].every((digit) => digit <= 31)).toBe(true);
    }
  });

  test('selectPoint gives the entry at every index', () => {
    const table = Array.from({ length: 32 }, () => new Uint8Array(randomBytes(65)));
    for (const [i, entry] of table.entries()) expect(selectPoint(table, i)).toEqual(entry);
  });
});

describe('secp256k1 in WebAssembly', async () => {
  const library = (await loadTinySecp256k1())!;

  function recorded() {
    const calls: string[] = [];
    const record =
      <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
      (...args: A): R => {
        calls.push(name === 'multiply' ? `multiply by ${integerOf(args[1] as Uint8Array)}` : name);
        return call(...args);
      };
    const spied: TinySecp256k1 = {
      pointFromScalar: record('base', library.pointFromScalar),
      pointMultiply: record('multiply', library.pointMultiply),
      pointAdd: record('add', library.pointAdd),
      pointCompress: record('compress', library.pointCompress),
    };
    return { group: createTinySecp256k1(spied)!, calls };
  }

  test('mulSecret makes the same calls for every scalar and hands none of it to the variable-time multiplication', () => {
    const { group, calls } = recorded();
    const point = group.mulBasePublic(group.scalars.fromInteger(12345));
    const sequences = [...SCALARS.slice(0, 6), ...SCALARS.slice(-3)].map((scalar) => {
      calls.length = 0;
      group.mulSecret(point, bytesOf(scalar) as SecretScalar);
      return calls.join();
    });
    expect(new Set(sequences).size).toBe(1);
    const multiplied = calls.filter((call) => call.startsWith('multiply'));
    expect(new Set(multiplied)).toEqual(new Set(['multiply by 32']));
    expect(multiplied).toHaveLength(51);
  });

  test('mulBase hands the scalar to the constant-time multiplication of the generator alone', () => {
    const { group, calls } = recorded();
    calls.length = 0;
    group.mulBase(bytesOf(77n) as SecretScalar);
    expect(calls).toEqual(['base']);
  });

  test('is not made without its library', () => {
    expect(createTinySecp256k1(undefined)).toBeUndefined();
  });
});
