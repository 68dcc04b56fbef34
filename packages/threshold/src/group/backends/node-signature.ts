import { verifyEd25519 as portable } from './noble-signature.js';

// Undefined where the package has no prebuilt addon for this machine.
const sodium = await import('sodium-native').then(
  (module) => module.default,
  () => undefined,
);

/** Ed25519 by libsodium compiled to machine code, else portable. */
export const verifyEd25519: typeof portable =
  sodium === undefined
    ? portable
    : (publicKey, message, signature) =>
        publicKey.length === 32 &&
        signature.length === 64 &&
        sodium.crypto_sign_verify_detached(signature, message, publicKey);
