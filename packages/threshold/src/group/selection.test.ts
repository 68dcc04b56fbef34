import { describe, expect, test } from 'vitest';
import { backends as portable } from './backends/portable.js';
import { SUITE_NAMES } from '../key/cocktail/suite-name.js';
import { suiteBackends } from '../key/suite-backends.js';
import { groupNamed, nobleGroup } from './index.js';

describe('the choice of a backend', () => {
  test('in Node every group but ristretto255 has a native backend', () => {
    expect(groupNamed('ed25519').backend).toBe('sodium-native');
    expect(groupNamed('ristretto255').backend).toBe('libsodium-wasm');
    expect(groupNamed('secp256k1').backend).toBe('libsecp256k1');
    expect(groupNamed('P-256').backend).toBe('openssl');
  });

  test('a browser computes in WebAssembly, or in noble where there is none', () => {
    expect(portable.createGroup.ed25519().backend).toBe('libsodium-wasm');
    expect(portable.createGroup.ristretto255().backend).toBe('libsodium-wasm');
    expect(portable.createGroup.secp256k1().backend).toBe('tiny-secp256k1');
    expect(portable.createGroup['P-256']().backend).toBe('noble');
  });

  test('suiteBackends names the backend and grade of every suite, and nothing here is left to bigint', () => {
    const found = suiteBackends();
    expect(found.map(({ suite }) => suite)).toEqual([...SUITE_NAMES]);
    expect(found.find(({ suite }) => suite === 'secp256k1-tr')).toEqual({
      suite: 'secp256k1-tr',
      backend: 'libsecp256k1',
      grade: 'native',
    });
    expect(found.some(({ grade }) => grade === 'bigint')).toBe(false);
  });

  test('groupNamed gives the same object each time', () => {
    expect(groupNamed('ed25519')).toBe(groupNamed('ed25519'));
    expect(nobleGroup('ed25519')).toBe(nobleGroup('ed25519'));
  });
});
