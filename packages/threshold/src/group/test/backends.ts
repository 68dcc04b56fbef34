import { decodeHex, encodeHex } from '@ckm/foundation';
import { createNativeSecp256k1 } from '../backends/libsecp256k1.js';
import { createNobleGroup } from '../backends/noble.js';
import { createOpensslP256 } from '../backends/node-openssl-p256.js';
import { createNativeEd25519 } from '../backends/sodium-native.js';
import { createWasmGroup, loadSodiumWasm } from '../backends/sodium-wasm.js';
import { createTinySecp256k1, loadTinySecp256k1 } from '../backends/tiny-secp256k1.js';
import type { Element, Group, GroupName } from '../group.js';

await loadSodiumWasm();

/** Every implementation of every group; undefined where its library does not load on this machine. */
export const EVERY_BACKEND: readonly (readonly [string, Group | undefined])[] = [
  ['ed25519 over noble', createNobleGroup('ed25519')],
  ['ed25519 over native libsodium', createNativeEd25519()],
  ['ed25519 over libsodium in WebAssembly', createWasmGroup('ed25519')],
  ['ristretto255 over noble', createNobleGroup('ristretto255')],
  ['ristretto255 over libsodium in WebAssembly', createWasmGroup('ristretto255')],
  ['secp256k1 over noble', createNobleGroup('secp256k1')],
  ['secp256k1 over native libsecp256k1', createNativeSecp256k1()],
  ['secp256k1 over libsecp256k1 in WebAssembly', createTinySecp256k1(await loadTinySecp256k1())],
  ['P-256 over noble', createNobleGroup('P-256')],
  ['P-256 over OpenSSL', createOpensslP256()],
];

const oracles = new Map<GroupName, Group>();

/** A separate noble group to compare with. */
export function oracleOf(name: GroupName): Group {
  const oracle = oracles.get(name) ?? createNobleGroup(name);
  oracles.set(name, oracle);
  return oracle;
}

/** Hex of the encoding, or `identity`. */
export function show(group: Group, element: Element): string {
  return group.isIdentity(element) ? 'identity' : encodeHex(group.encode(element));
}

/** Whether the group's scalars are little-endian. */
export function isLittleEndian(name: GroupName): boolean {
  return name === 'ed25519' || name === 'ristretto255';
}

/** `length` bytes of an integer, in the byte order of the group's scalars. */
export function bytesOfInteger(name: GroupName, value: bigint, length = 32): Uint8Array {
  const bytes = decodeHex(value.toString(16).padStart(2 * length, '0'));
  return isLittleEndian(name) ? bytes.reverse() : bytes;
}
