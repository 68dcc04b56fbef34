import { createNativeSecp256k1, hasNativeSecp256k1 } from './libsecp256k1.js';
import { aes256Blocks, aes256Gcm, xchacha20Poly1305 } from './node-ciphers.js';
import { createOpensslP256 } from './node-openssl-p256.js';
import { sha256, sha512 } from './node-hash.js';
import { createNobleGroup } from './noble.js';
import { verifyEd25519 } from './node-signature.js';
import type { Backends } from './selection.js';
import { createNativeEd25519 } from './sodium-native.js';
import { createWasmGroup } from './sodium-wasm.js';
import { createTinySecp256k1, loadTinySecp256k1 } from './tiny-secp256k1.js';

// A megabyte of WebAssembly: read only where the addon is missing.
const tiny = hasNativeSecp256k1 ? undefined : await loadTinySecp256k1();

/** For Node: native libraries where their prebuilt addon loads, else what a browser would use. */
export const backends: Backends = {
  createGroup: {
    ed25519: () => createNativeEd25519() ?? createWasmGroup('ed25519') ?? createNobleGroup('ed25519'),
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
