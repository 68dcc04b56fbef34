import { concatBytes, equalBytes } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

const { Point } = ed25519;

/**
 * Ed25519 as libsodium verifies it, step by step, so that a browser and Node agree on every signature that anyone can
 * make up: S below the group order, neither key nor R of small order, the key canonical, and R compared as bytes with
 * S·B − h·A, without the cofactor. Noble's own verification multiplies by the cofactor and would accept more.
 * Source: RFC 8032 §5.1.7
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const commitment = signature.subarray(0, 32);
  const response = littleEndian(signature.subarray(32));
  if (response >= Point.Fn.ORDER) return false;
  try {
    const key = Point.fromBytes(new Uint8Array(publicKey), false);
    if (key.isSmallOrder()) return false;
    const challenge = littleEndian(sha512(concatBytes(commitment, publicKey, message))) % Point.Fn.ORDER;
    const expected = Point.BASE.multiplyUnsafe(response).subtract(key.multiplyUnsafe(challenge));
    return !expected.isSmallOrder() && equalBytes(expected.toBytes(), commitment);
  } catch {
    return false;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
