import { encodeHex } from '@ckm/foundation';
import { xidOf } from '@ckm/gordian';

/** A passkey as the terms of a key certify it: what its assertions are verified by, and where they may be made. */
export interface Passkey {
  readonly kind: 'passkey';
  /** As COSE counts them: ES256, EdDSA, RS256. */
  readonly alg: -7 | -8 | -257;
  /** SubjectPublicKeyInfo in DER: what WebAuthn's `getPublicKey()` gives. */
  readonly spki: Uint8Array;
  readonly rpId: string;
  readonly origins: readonly string[];
}

/** `key`: 32 bytes, Ed25519. */
export type VoterKey = { readonly kind: 'ed25519'; readonly key: Uint8Array } | Passkey;

/** Who may vote, as the terms certify him: one person, one name and one XID, whichever of his keys he signs with. */
export interface Voter {
  readonly name: string;
  readonly xid: Uint8Array;
  readonly keys: readonly VoterKey[];
}

/**
 * Whether somebody has one of these XIDs (as hex): his own, or the one that any Ed25519 key of his would have as an identity. So whoever asks
 * with a device is found as an approver too, under whichever of his keys he is listed.
 */
export function isAmong({ xid, keys }: Voter, xids: ReadonlySet<string>): boolean {
  if (xids.has(encodeHex(xid))) return true;
  return keys.some((key) => key.kind === 'ed25519' && xids.has(encodeHex(xidOfKey(key.key))));
}

/** The XID that somebody would have whose identity began with an Ed25519 key of 32 bytes. */
export function xidOfKey(key: Uint8Array): Uint8Array {
  return xidOf({ signing: { scheme: 'ed25519', bytes: key } });
}
