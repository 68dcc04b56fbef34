import { decodeData, encodeData, type Identity, signBytes, verifyBytes } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import {
  encodeVoteStatement,
  hashVote,
  MAX_VOTE_STATEMENT_BYTES,
  parseVoteStatement,
  voteInvalid,
  type VoteStatement,
} from './statement.js';
import type { Passkey, Voter } from './voter.js';

/** Longer ones are not read. Without extensions there are 37 bytes. */
export const MAX_AUTHENTICATOR_DATA_BYTES = 1_024;
/** Longer ones are not read. Browsers write some 150 bytes and the origin. */
export const MAX_CLIENT_DATA_BYTES = 2_048;
/** Of RSA with 4,096 bits. */
export const MAX_ASSERTION_SIGNATURE_BYTES = 512;
/** All three, the statement, and the names of the members. */
export const MAX_VOTE_BYTES = 8_192;

const passkeyAssertion = z.strictObject({
  kind: z.literal('passkey'),
  authenticatorData: bytesUpTo(MAX_AUTHENTICATOR_DATA_BYTES),
  /** `clientDataJSON`, byte for byte. */
  clientData: bytesUpTo(MAX_CLIENT_DATA_BYTES),
  signature: bytesUpTo(MAX_ASSERTION_SIGNATURE_BYTES),
});
/** What WebAuthn's `navigator.credentials.get()` returns, without the names that nobody needs here. */
export type PasskeyAssertion = z.infer<typeof passkeyAssertion>;

const voteProof = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ed25519'), signature: bytesOf(64) }),
  passkeyAssertion,
]);
export type VoteProof = z.infer<typeof voteProof>;

const signedVote = z.strictObject({ statement: bytesUpTo(MAX_VOTE_STATEMENT_BYTES), proof: voteProof });

/** A vote as it was read: of its form, and nothing else yet. */
export interface SignedVote {
  readonly statement: VoteStatement;
  /** 32 bytes over the statement as it came: names the vote, whichever proof comes with it. */
  readonly digest: Uint8Array;
  readonly proof: VoteProof;
}

/** Whether an assertion is one by this passkey over these 32 bytes. */
export type JudgeAssertion = (passkey: Passkey, digest: Uint8Array, assertion: PasskeyAssertion) => boolean;

const TAG = 'ckm/vote/v1';

/** A vote under an approver's own key. @throws EncodingError `VOTE_INVALID` */
export function signVote(identity: Identity, statement: VoteStatement): Uint8Array {
  const bytes = encodeVoteStatement(statement);
  return encodeVote(bytes, { kind: 'ed25519', signature: signBytes(identity, TAG, hashVote(bytes)) });
}

/** @param statement as `encodeVoteStatement` writes it */
export function encodeVote(statement: Uint8Array, proof: VoteProof): Uint8Array {
  return encodeData({ statement, proof: { ...proof } });
}

/** @throws EncodingError `VOTE_INVALID`, `CBOR_…` */
export function parseVote(bytes: Uint8Array): SignedVote {
  const parsed = signedVote.safeParse(
    decodeData(bytes, { maxBytes: MAX_VOTE_BYTES, maxDepth: 3, maxItems: 32 }),
  );
  if (!parsed.success) throw voteInvalid();
  const { statement, proof } = parsed.data;
  return { statement: parseVoteStatement(statement), digest: hashVote(statement), proof };
}

/** Whether a vote was signed with one of the keys that are certified for this approver. */
export function isProvenBy(
  { digest, proof }: SignedVote,
  { keys }: Pick<Voter, 'keys'>,
  isAssertion: JudgeAssertion,
): boolean {
  return keys.some((key) => {
    if (key.kind === 'ed25519')
      return proof.kind === 'ed25519' && isSignedWith(key.key, digest, proof.signature);
    return proof.kind === 'passkey' && isAssertion(key, digest, proof);
  });
}

function isSignedWith(key: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  return verifyBytes({ signing: { scheme: 'ed25519', bytes: key } }, TAG, digest, signature);
}
