import { compareBytes, EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, epoch, identifier, label, unixSeconds } from '../fields/fields.js';

/**
 * What people are asked about: a request for work with a key, a change of its terms, an order about who holds it, an export, the
 * early end of a freeze, a case of silence.
 */
export const voteMatter = z.enum(['request', 'terms', 'order', 'export', 'thaw', 'case']);
export type VoteMatter = z.infer<typeof voteMatter>;

/** A longer statement is not read. With 32 servers and the longest reason it has some 2,700 bytes. */
export const MAX_VOTE_STATEMENT_BYTES = 4_096;
const LIMITS = { maxBytes: MAX_VOTE_STATEMENT_BYTES, maxDepth: 3, maxItems: 128 } as const;

const xid = bytesOf(32);

/**
 * What one approver says in one matter, to all servers of the key alike. Each server compares it with its own record; what is only
 * recorded decides nothing: two servers may be in different epochs, or word a description differently.
 */
export const voteStatement = z
  .strictObject({
    v: z.literal(1),
    matter: voteMatter,
    matterId: identifier,
    /** `takeBack`: neither yes nor no any more. */
    verdict: z.enum(['yes', 'no', 'takeBack']),
    /** Counts the statements of this approver in this matter: the highest holds. */
    serial: z.int().min(1).max(0xffff_ffff),
    approver: xid,
    /** The servers it is meant for, in ascending order. */
    audience: z.array(xid).min(1).max(32).refine(isAscending, { error: 'the servers are not in order' }),
    keyId: identifier,
    /** Recorded, as is the transcript hash. */
    epoch,
    transcriptHash: bytesOf(32),
    /** Of the terms that say who counts. */
    termsHash: bytesOf(32),
    /** Who asks, by the name that servers of this key know him by; null: nobody who could vote himself. */
    requester: xid.nullable(),
    kind: z.string().min(1).max(32),
    payloadHash: bytesOf(32),
    tasksHash: bytesOf(32),
    /** Of what the approver read. Recorded. */
    descriptionHash: bytesOf(32),
    /** Of a no. */
    reason: label(280).nullable(),
    issuedAt: unixSeconds,
    /** It counts until then, this moment excluded. */
    expiresAt: unixSeconds,
  })
  .refine(({ matter, requester }) => matter !== 'request' || requester !== null, {
    error: 'a vote on a request names who asks',
  })
  .refine(({ verdict, reason }) => verdict === 'no' || reason === null, {
    error: 'only a no has a reason',
  })
  .refine(({ issuedAt, expiresAt }) => issuedAt < expiresAt, { error: 'it ends before it begins' });
export type VoteStatement = z.infer<typeof voteStatement>;

/** @throws EncodingError `VOTE_INVALID` for what {@link parseVoteStatement} would refuse */
export function encodeVoteStatement(statement: VoteStatement): Uint8Array {
  return encodeData({ ...parsed(statement) });
}

/** @throws EncodingError `VOTE_INVALID`, `CBOR_…` */
export function parseVoteStatement(bytes: Uint8Array): VoteStatement {
  return parsed(decodeData(bytes, LIMITS));
}

/** 32 bytes that name a vote, and that its proof is over. */
export function hashVote(statement: Uint8Array): Uint8Array {
  return taggedHash('CKM/vote/v1', statement);
}

function parsed(value: unknown): VoteStatement {
  const result = voteStatement.safeParse(value);
  if (result.success) return result.data;
  throw voteInvalid();
}

export function voteInvalid(): EncodingError {
  return new EncodingError('a vote is not of its form', {
    code: 'VOTE_INVALID',
    hint: 'vote again, and compare the versions of approver and server',
  });
}

function isAscending(names: readonly Uint8Array[]): boolean {
  return names.every((name, at) => at === 0 || compareBytes(names[at - 1]!, name) < 0);
}
