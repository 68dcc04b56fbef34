// @module-tag long
import { afterEach, describe, expect, test, vi } from 'vitest';

const noAddon = () => {
  throw new Error('no addon for this machine');
};
const noWebAssembly = () => ({
  ready: Promise.reject(new Error('WebAssembly is forbidden here')),
  default: {},
});

async function backendsWithout(modules: Record<string, () => object>) {
  vi.resetModules();
  for (const [name, factory] of Object.entries(modules)) vi.doMock(name, factory);
  const { backends } = await import('./backends/node.js');
  return backends;
}

afterEach(() => {
  for (const name of ['sodium-native', 'secp256k1/bindings.js', 'libsodium-wrappers-sumo', 'tiny-secp256k1'])
    vi.doUnmock(name);
  vi.resetModules();
});

describe('a machine without native addons', () => {
  test('computes in WebAssembly, and P-256 in the OpenSSL that Node brings', async () => {
    const { createGroup } = await backendsWithout({
      'sodium-native': noAddon,
      'secp256k1/bindings.js': noAddon,
    });
    expect(createGroup.ed25519().backend).toBe('libsodium-wasm');
    expect(createGroup.ristretto255().backend).toBe('libsodium-wasm');
    expect(createGroup.secp256k1().backend).toBe('tiny-secp256k1');
    expect(createGroup['P-256']().backend).toBe('openssl');
    const grades = Object.values(createGroup).map((create) => create().grade);
    expect(grades).toEqual(['wasm', 'wasm', 'wasm', 'native']);
  });

  test('computes in noble where WebAssembly is forbidden too', async () => {
    const { createGroup } = await backendsWithout({
      'sodium-native': noAddon,
      'secp256k1/bindings.js': noAddon,
      'libsodium-wrappers-sumo': noWebAssembly,
      'tiny-secp256k1': noAddon,
    });
    for (const name of ['ed25519', 'ristretto255', 'secp256k1'] as const) {
      const group = createGroup[name]();
      expect(group.backend).toBe('noble');
      expect(group.grade).toBe('bigint');
      expect(
        group.equal(group.mulSmall(group.generator, 2), group.add(group.generator, group.generator)),
      ).toBe(true);
    }
  });
});
