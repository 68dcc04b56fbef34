import { concatBytes, encodeUtf8, reveal, secret, type Secret, UsageError } from '@ckm/foundation';
import { type Identity, primitives, type RandomBytes, type Xid } from '@ckm/gordian';
import { identityForServer } from '../seed/identity.js';
import { SEED_BYTES } from '../seed/words.js';

/**
 * The secret of the accounts in which shares lie: 32 bytes, written down as 24 words of its own and kept on no machine. Out of it come another
 * account at each server, what seals the envelope there, and, together with what is shared out, the shares themselves.
 */
export type DepositSecret = Secret<Uint8Array>;

const ID = encodeUtf8('ckm/deposit-id/v1');
const SEAL = encodeUtf8('ckm/deposit-seal/v1');
const SET = encodeUtf8('ckm/deposit-set/v1');
const SPLIT = encodeUtf8('ckm/deposit-split/v1');

/** Who the owner of shares is to one server: another account for every server, and none of those that the owner’s words open. */
export function depositIdentity(deposit: DepositSecret, server: Xid): Identity {
  return identityForServer(deposit, server);
}

/** 16 bytes that name the secret and tell nothing of it. */
export function depositId(deposit: DepositSecret): Uint8Array {
  return primitives.hkdfSha256(bytesOf(deposit), ID, new Uint8Array(0), 16);
}

/** What an envelope for that server is sealed with, 32 bytes; the caller wipes it. */
export function depositKey(deposit: DepositSecret, server: Xid): Uint8Array {
  return primitives.hkdfSha256(bytesOf(deposit), SEAL, server, 32);
}

/** 16 bytes, the same in all envelopes of one secret under one deposit secret. */
export function depositSet(deposit: DepositSecret, kept: Secret<Uint8Array>): Uint8Array {
  return fromBoth(deposit, kept, SET, new Uint8Array(0), 16);
}

/**
 * What splits a secret, the same bytes each time: so a fourth share is made without those that were given away, and a share is never made twice with
 * another one in its place. Whoever has not both secrets learns nothing by it.
 * @param plan names the splitting
 */
export function splittingRandom(deposit: DepositSecret, kept: Secret<Uint8Array>, plan: string): RandomBytes {
  let drawn = 0;
  return (length) => fromBoth(deposit, kept, SPLIT, encodeUtf8(`${plan} ${drawn++}`), length);
}

function fromBoth(
  deposit: DepositSecret,
  kept: Secret<Uint8Array>,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  // The first of them has one length, so that no two pairs are the same bytes.
  const both = concatBytes(bytesOf(deposit), reveal(kept, 'sharing out a secret'));
  try {
    return primitives.hkdfSha256(both, salt, info, length);
  } finally {
    both.fill(0);
  }
}

function bytesOf(deposit: DepositSecret): Uint8Array {
  const bytes = reveal(deposit, 'working with the accounts of shares');
  if (bytes.length === SEED_BYTES) return bytes;
  throw new UsageError(`a deposit secret has ${SEED_BYTES} bytes, not ${bytes.length}`, {
    code: 'SEED_LENGTH',
    hint: 'bring it back from its 24 words',
  });
}

/** A new one. */
export function drawDepositSecret(random: RandomBytes): DepositSecret {
  return secret(random(SEED_BYTES));
}
