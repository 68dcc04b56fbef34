import type { Group } from '../group.js';
import { EDWARDS_IDENTITY, isPlausibleEdwards, negateEdwards } from './edwards-encoding.js';
import { createEncodedGroup } from './encoded.js';

// Undefined where the package has no prebuilt addon for this machine.
const sodium = await import('sodium-native').then(
  (module) => module.default,
  () => undefined,
);

/** ed25519 over libsodium compiled to machine code; undefined where its addon does not load. */
export function createNativeEd25519(): Group | undefined {
  if (sodium === undefined) return undefined;
  const library = sodium;
  return createEncodedGroup({
    name: 'ed25519',
    backend: 'sodium-native',
    grade: 'native',
    identity: EDWARDS_IDENTITY,
    arithmetic: {
      multiplyBase(scalar) {
        const out = new Uint8Array(32);
        library.crypto_scalarmult_ed25519_base_noclamp(out, scalar);
        return out;
      },
      multiply: (scalar, element) =>
        attempt((out) => library.crypto_scalarmult_ed25519_noclamp(out, scalar, element)),
      add: (a, b) => attempt((out) => library.crypto_core_ed25519_add(out, a, b)),
      subtract: (a, b) => attempt((out) => library.crypto_core_ed25519_sub(out, a, b)),
      negate: negateEdwards,
      isValid: (element) => library.crypto_core_ed25519_is_valid_point(element),
      isPlausible: isPlausibleEdwards,
    },
  });
}

/** The binding throws for the −1 with which libsodium refuses an element. */
function attempt(operation: (out: Uint8Array) => void): Uint8Array | undefined {
  const out = new Uint8Array(32);
  try {
    operation(out);
    return out;
  } catch {
    return undefined;
  }
}
