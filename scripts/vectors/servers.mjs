// The servers of the vectors: alpha, bravo and charlie, each from a seed that its name stands for.
import { createHash } from 'node:crypto';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';

export const NAMES = ['alpha', 'bravo', 'charlie'];

/** 32 bytes that a label stands for: SHA-256 of its UTF-8. */
export function bytesOf(label) {
  return new Uint8Array(createHash('sha256').update(`ckm vector: ${label}`).digest());
}

export const identities = NAMES.map((name) => createIdentity(secret(bytesOf(`identity of ${name}`))));
