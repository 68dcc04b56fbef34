import { describe, expect, test } from 'vitest';
import { backends as portable } from './backends/portable.js';
import { groupNamed, nobleGroup } from './index.js';

describe('the choice of a backend', () => {
  test('Node computes natively', () => {
    expect(groupNamed('ed25519').backend).toBe('sodium-native');
    expect(groupNamed('ristretto255').backend).toBe('libsodium-wasm');
    expect(groupNamed('secp256k1').backend).toBe('libsecp256k1');
    expect(groupNamed('P-256').backend).toBe('openssl');
  });

  test('a browser computes in WebAssembly, or in noble where there is none', () => {
    expect(portable.createGroup.ed25519().backend).toBe('libsodium-wasm');
    expect(portable.createGroup.ristretto255().backend).toBe('libsodium-wasm');
    expect(portable.createGroup.secp256k1().backend).toBe('noble');
    expect(portable.createGroup['P-256']().backend).toBe('noble');
  });

  test('is made once', () => {
    expect(groupNamed('ed25519')).toBe(groupNamed('ed25519'));
    expect(nobleGroup('ed25519')).toBe(nobleGroup('ed25519'));
  });
});
