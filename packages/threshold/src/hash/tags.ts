/**
 * Every tag that `taggedHash` knows, with what it is for. Each is used at exactly one place, which a test asserts:
 * one hash for two roles lets a value made for one be replayed as the other.
 */
export const HASH_TAGS = {
  'CKM/dleq/nonce/v1': 'one-time scalar of a proof of equal discrete logarithms',
  'CKM/schnorr/nonce/v1': 'one-time scalar of a proof of knowledge',
  'CKM/schnorr/challenge/v1': 'challenge of a proof of knowledge',
} as const satisfies Record<`CKM/${string}/v${number}`, string>;

export type HashTag = keyof typeof HASH_TAGS;
