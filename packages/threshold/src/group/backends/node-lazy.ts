import { createNativeSecp256k1, hasNativeSecp256k1 } from './libsecp256k1.js';
import { aes256Blocks, aes256Gcm, xchacha20Poly1305 } from './node-ciphers.js';
import { createOpensslP256 } from './node-openssl-p256.js';
import { sha256, sha512 } from './node-hash.js';
import { createNobleGroup } from './noble.js';
import { verifyEd25519 } from './node-signature.js';
import type { Backends } from './selection.js';
import { createNativeEd25519 } from './sodium-native.js';
import { createWasmGroup, loadSodiumWasm } from './sodium-wasm.js';
import { createTinySecp256k1, loadTinySecp256k1 } from './tiny-secp256k1.js';

// A megabyte of WebAssembly: read only where the addon is missing.
const tiny = hasNativeSecp256k1 ? undefined : await loadTinySecp256k1();

const native = createNativeEd25519();
// Where the addon loads, only ristretto255 needs it.
if (native === undefined) await loadSodiumWasm();

/**
 * For a program that starts often and rarely needs ristretto255: as `node.ts`, but libsodium compiled to WebAssembly is
 * read by {@link Backends.prepare} only, and until then noble computes in that group.
 */
export const backends: Backends = {
  prepare: loadSodiumWasm,
  createGroup: {
    ed25519: () => native ?? createWasmGroup('ed25519') ?? createNobleGroup('ed25519'),
    ristretto255: () => createWasmGroup('ristretto255') ?? createNobleGroup('ristretto255'),
    secp256k1: () => createNativeSecp256k1() ?? createTinySecp256k1(tiny) ?? createNobleGroup('secp256k1'),
    'P-256': createOpensslP256,
  },
  sha256,
  sha512,
  aes256Blocks,
  aes256Gcm,
  xchacha20Poly1305,
  verifyEd25519,
};
