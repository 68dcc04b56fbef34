import { z } from 'zod';
import { bytesOf, bytesUpTo, epoch, identifier, label, unixSeconds } from '../fields/fields.js';
import { MAX_VOTE_BYTES } from './proof.js';
import { voteMatter, voteStatement } from './statement.js';

/** Votes in one message. */
export const MAX_VOTES = 16;
/** Matters on one page. */
export const MAX_LISTED_MATTERS = 64;

/** Votes as they were signed (`encodeVote`), by whatever way they came. Those that a server has are passed over. */
export const carriedVotes = z.array(bytesUpTo(MAX_VOTE_BYTES)).max(MAX_VOTES);

/** Why a vote among those that came counts nothing here; what is not said of a vote is: it is kept. */
const refusedVote = z.strictObject({
  /** Its place among those that came, counted from 0. */
  at: z.int().min(0).max(MAX_VOTES),
  code: z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/),
});
export type RefusedVote = z.infer<typeof refusedVote>;
export const refusedVotes = z.array(refusedVote).max(MAX_VOTES);

/** What a vote names, and every server derives for itself: equal at all servers of the key, or one of them shows something false. */
const matterNamed = {
  matter: voteMatter,
  matterId: identifier,
  keyId: identifier,
  kind: voteStatement.shape.kind,
  payloadHash: bytesOf(32),
  tasksHash: bytesOf(32),
  termsHash: bytesOf(32),
  requester: voteStatement.shape.requester,
};

const listedMatter = z.strictObject({
  ...matterNamed,
  createdAt: unixSeconds,
  /** No vote counts for longer. */
  expiresAt: unixSeconds,
  /** What whoever asks has said here last; null: nothing. */
  said: z
    .strictObject({ verdict: voteStatement.shape.verdict, serial: voteStatement.shape.serial })
    .nullable(),
});
export type ListedMatter = z.infer<typeof listedMatter>;

/**
 * What waits at this server for whoever asks, by the terms of the keys: by ids, those behind `after`. `next`: what to list behind next; null at the end.
 * Whoever is asked about nothing gets an empty page, as everybody does.
 */
export const approvalList = {
  parameters: z.strictObject({
    after: identifier.nullable(),
    /** Of one key alone, so that whatever others ask hides nothing of it; absent: of all. */
    of: z
      .strictObject({
        keyId: identifier,
        /** Transcript hash of its first certificate, by which it is told from another account’s key of that id; null: none is known. */
        known: bytesOf(32).nullable(),
      })
      .exactOptional(),
  }),
  result: z.strictObject({
    matters: z.array(listedMatter).max(MAX_LISTED_MATTERS),
    next: identifier.nullable(),
  }),
};

/** Everything that an approver derives the sentence from, and makes a vote of. */
const shownMatter = z.strictObject({
  ...matterNamed,
  createdAt: unixSeconds,
  expiresAt: unixSeconds,
  /** What is asked for, byte for byte. */
  payload: bytesUpTo(524_288),
  /** `encodeTerms` of those in force for it here. */
  terms: bytesUpTo(65_536),
  /** In use here now, as its transcript hash says; recorded in votes. */
  epoch,
  transcriptHash: bytesOf(32),
  /** The first one of the key, which says what it is for ever. Null: it is the one that was said to be known, or this server never had it. */
  certificate: bytesUpTo(262_144).nullable(),
  /** As this server words it. Nobody needs to believe it. */
  sentence: z.string().max(4_096),
  /** What was said here so far, of each approver the last. */
  votes: carriedVotes,
});
export type ShownMatter = z.infer<typeof shownMatter>;

/** Shows a matter while people are asked about it. @throws StateError `MATTER_UNKNOWN`, to everybody who is not asked about it */
export const approvalShow = {
  parameters: z.strictObject({
    matter: voteMatter,
    matterId: identifier,
    keyId: identifier,
    /** Transcript hash of a certificate that need not be shown again; null: none. */
    known: bytesOf(32).nullable(),
  }),
  result: shownMatter,
};

/** Brings votes, of whomever. `refused`: those that count nothing here, and why; `MATTER_UNKNOWN` where nobody is asked about that. */
export const approvalGive = {
  parameters: z.strictObject({
    votes: carriedVotes.min(1),
    /** Transcript hash of the first certificate of the key that they are about, by which it is told from others of its id; absent: none is known. */
    known: bytesOf(32).exactOptional(),
  }),
  result: z.strictObject({ refused: refusedVotes }),
};

/**
 * Who asks, by the name that the servers of this key and its approvers know him by, where the terms of the key ask people: the key’s owner, or a device
 * that he has listed. The XID of this key stands as `requester` in votes.
 */
export const requester = z.strictObject({
  /** 32 bytes, Ed25519. */
  key: bytesOf(32),
  /** Over what is asked for (`signRequester`): the same for every server. */
  signature: bytesOf(64),
});
export type Requester = z.infer<typeof requester>;

const names = z.array(z.string().max(32)).max(16);

/** How far a request is with those whom the terms of its key ask. */
export const peopleAsked = z.strictObject({
  /** What rules of the terms wait for, each by its number from 1: so many more of these, who have said nothing. */
  awaits: z
    .array(z.strictObject({ rule: z.int().min(1).max(50), needed: z.int().min(1).max(16), of: names }))
    .max(50),
  yes: names,
  no: names,
  /** Of those who say no and say why; absent: none of them does. */
  reasons: z
    .array(z.strictObject({ name: z.string().max(32), reason: label(280) }))
    .max(16)
    .exactOptional(),
  /** Votes that came with this very message, and count nothing here. */
  refused: refusedVotes,
});
export type PeopleAsked = z.infer<typeof peopleAsked>;

/** Whom a request that is `waiting` waits for. */
export const waitsFor = z.enum(['people', 'operator', 'both']);
export type WaitsFor = z.infer<typeof waitsFor>;
