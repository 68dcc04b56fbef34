import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { createNobleGroup } from './noble.js';
import { aes256Blocks, aes256Gcm, xchacha20Poly1305 } from './noble-ciphers.js';
import { verifyEd25519 } from './noble-signature.js';
import type { Backends } from './selection.js';
import { createWasmGroup, loadSodiumWasm } from './sodium-wasm.js';
import { createTinySecp256k1, loadTinySecp256k1 } from './tiny-secp256k1.js';

await loadSodiumWasm();
// A page brings a megabyte along to have it; without it noble does the same sums.
const tiny = await loadTinySecp256k1();

/** For browsers and every other place that is not Node: WebAssembly where there is some for the group, else noble. */
export const backends: Backends = {
  prepare: loadSodiumWasm,
  createGroup: {
    ed25519: () => createWasmGroup('ed25519') ?? createNobleGroup('ed25519'),
    ristretto255: () => createWasmGroup('ristretto255') ?? createNobleGroup('ristretto255'),
    secp256k1: () => createTinySecp256k1(tiny) ?? createNobleGroup('secp256k1'),
    'P-256': () => createNobleGroup('P-256'),
  },
  sha256,
  sha512,
  aes256Blocks,
  aes256Gcm,
  xchacha20Poly1305,
  verifyEd25519,
};
