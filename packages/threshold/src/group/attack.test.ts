import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { createNobleGroup } from './backends/noble.js';
import { createNativeEd25519 } from './backends/sodium-native.js';
import { createWasmGroup, loadSodiumWasm } from './backends/sodium-wasm.js';
import type { Group } from './group.js';

await loadSodiumWasm();

const { Point } = ed25519;
/** Order eight; its multiples are all points of small order. */
const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', true);
const small = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(i))));

const backends = {
  noble: createNobleGroup('ed25519'),
  'libsodium-wasm': createWasmGroup('ed25519'),
  'sodium-native': createNativeEd25519(),
};

/** Whether a group takes these encodings as terms of a sum. */
function takes(group: Group | undefined, encodings: readonly Uint8Array[]): boolean | 'absent' {
  if (group === undefined) return 'absent';
  try {
    group.decodeAndSum(encodings);
    return true;
  } catch {
    return false;
  }
}

describe('whoever hides torsion in the terms of a sum', () => {
  test.each(small.map((point, i) => [i, point] as const))(
    'cannot divide backends: a pure one (%i)',
    (i, point) => {
      const other = Point.BASE.multiply(7n).subtract(point);
      const answers = Object.values(backends).map((group) =>
        takes(group, [point.toBytes(), other.toBytes()]),
      );
      expect(new Set(answers.filter((one) => one !== 'absent')).size, `${i}: ${answers.join()}`).toBe(1);
    },
  );

  test.each(small.map((point, i) => [i, point] as const))(
    'cannot divide backends: a mixed one (%i)',
    (i, point) => {
      const pair = [Point.BASE.multiply(9n).add(point), Point.BASE.multiply(7n).subtract(point)];
      const answers = Object.values(backends).map((group) =>
        takes(
          group,
          pair.map((one) => one.toBytes()),
        ),
      );
      expect(new Set(answers.filter((one) => one !== 'absent')).size, `${i}: ${answers.join()}`).toBe(1);
    },
  );
});
