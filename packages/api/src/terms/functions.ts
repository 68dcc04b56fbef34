import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label, slot, unixSeconds } from '../fields/fields.js';
import { MAX_VOTE_BYTES } from '../votes/proof.js';
import { MAX_TERMS_CHANGE_BYTES } from './statement.js';

/** Changes of terms in one message, either way: each may have terms of 64 KB and all of its votes. */
export const MAX_TERMS_LINKS = 4;
/** Votes on one change in one message: one of each approver. */
const MOST_VOTES = 16;

const termsVersion = z.int().min(0).max(0xffff_ffff);
const hash = bytesOf(32);
/** `encodeTerms` of them. */
const terms = bytesUpTo(65_536);
/** `encodeTermsChange` of it; its `termsChangeDigest` is what votes name. */
const statement = bytesUpTo(MAX_TERMS_CHANGE_BYTES);
/** As they were signed (`encodeVote`), by whatever way they came. Those that a server has are passed over. */
const votes = z.array(bytesUpTo(MAX_VOTE_BYTES)).max(MOST_VOTES);

const proposed = { statement, terms, votes };

/** A change of the terms with what speaks for it: for a server that was away. */
const termsLink = z.strictObject(proposed);
export type TermsLink = z.infer<typeof termsLink>;

/** A change that has been proposed here and is not in force yet. */
const waitingTerms = z.strictObject({
  /** 32 bytes, `termsChangeDigest`: names it. */
  change: hash,
  /** Of the terms to be. */
  version: termsVersion.min(1),
  hash,
  /** Whether the words proposed it, who may change the terms alone after a time. */
  byWords: z.boolean(),
  proposedAt: unixSeconds,
  /** So many more of whom the terms in force ask have to say yes. With 0, and where the words proposed it, time alone is missing. */
  missing: z.int().min(0).max(16),
  /** When it comes into force if nobody says no, nobody else has to say yes, and this server goes on running; null: somebody has to. */
  readyAt: unixSeconds.nullable(),
  /** When it is over if it is not in force by then. */
  expiresAt: unixSeconds,
});
export type WaitingTerms = z.infer<typeof waitingTerms>;

/** Which terms are in force at a server, and what is to come. */
export const termsStanding = z.strictObject({
  version: termsVersion,
  /** `policyHash` of those in force here. */
  hash,
  /** Null: nothing waits. */
  waiting: waitingTerms.nullable(),
});
export type TermsStanding = z.infer<typeof termsStanding>;

/** Two changes to one version, each of which could have come into force: the one that did first. */
const termsTwice = z.strictObject({ version: termsVersion, links: z.array(termsLink).length(2) });

export const termsShow = {
  parameters: z.strictObject({
    keyId: identifier,
    /** The version of terms that is known already; null: none. */
    after: termsVersion.nullable(),
  }),
  result: z.strictObject({
    ...termsStanding.shape,
    /** Those in force, of that hash. */
    terms,
    /** The version that the certificate of the epoch in use here names by its hash: that of before, where terms have changed since. */
    certified: termsVersion,
    /** Changes to versions behind `after`, in order, as far as this server was there and a message holds them. */
    links: z.array(termsLink).max(MAX_TERMS_LINKS),
    /** Behind which version to ask for more; null: that was all. */
    next: termsVersion.nullable(),
    /** What waits, whole; null: nothing. */
    proposed: termsLink.nullable(),
    /** Why what was proposed last here is over and not in force; null: nothing is. */
    over: z.strictObject({ change: hash, reason: label(280) }).nullable(),
    twice: z.array(termsTwice).max(1),
  }),
};
export type TermsView = z.infer<typeof termsShow.result>;

/** Why a vote among those that came counts nothing here, by its place among them from 0; what is not said of a vote is: it is kept. */
const refusedVotes = z
  .array(
    z.strictObject({
      at: z.int().min(0).max(MOST_VOTES),
      code: z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/),
    }),
  )
  .max(MOST_VOTES);

/**
 * Proposes other terms, and brings votes. Said again it is the same proposal, with the votes that came besides. Another proposal takes the place of
 * the one that waits, and begins anew.
 */
export const termsPropose = {
  parameters: z.strictObject({ keyId: identifier, ...proposed }),
  result: z.strictObject({ ...termsStanding.shape, refused: refusedVotes }),
};

/** Stops a change that waits: whoever asks does, or, where a vote comes with it, whoever gave that. */
export const termsVeto = {
  parameters: z.strictObject({ keyId: identifier, change: hash, votes }),
  result: z.strictObject({ ...termsStanding.shape, refused: refusedVotes }),
};

/**
 * Brings changes to a server that was away, in order; those that are in force there are passed over. What has to wait waits there anew, unless as many others as the
 * quorum of the key needs say that the last of these is in force with them.
 */
export const termsLearn = {
  parameters: z.strictObject({
    keyId: identifier,
    links: z.array(termsLink).min(1).max(MAX_TERMS_LINKS),
    /** What other servers say of the key (`key.head`), by their slots in the epoch that this one is in; absent: nothing. */
    heads: z
      .array(z.strictObject({ slot, head: bytesUpTo(512), signature: bytesOf(64) }))
      .max(32)
      .exactOptional(),
  }),
  result: termsStanding,
};
