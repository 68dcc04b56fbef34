import { z } from 'zod';
import {
  bytesOf,
  bytesUpTo,
  certificateChain,
  epoch,
  identifier,
  label,
  quorum,
  slot,
  unixSeconds,
} from './fields/fields.js';
import { rosterOffer } from './sessions.js';
import { keyTerms } from './terms/schema.js';

/**
 * A change of who holds a key, from the order to the new epoch. Old members decide by three statements each (promise, lock,
 * yield); the shares move in a session of kind `reshare`.
 */

/** Longest certificate of a key, of whatever kind. */
export const MAX_KEY_CERTIFICATE_BYTES = 1_048_576;
/** Longest statement of an old member with its signature. */
const MOST_STATEMENT_BYTES = 512;
/** Longest lock certificate: the locks of 32 members. */
const MOST_LOCKS_BYTES = 32 * MOST_STATEMENT_BYTES;

const member = z.strictObject({ serverId: bytesOf(32), identityKey: bytesOf(32) });

/** Who shall hold the key in the next epoch. `hashOrder` names it. */
export const changeOrder = z.strictObject({
  keyId: identifier,
  /** The epoch whose members decide: the one before. */
  epoch,
  /** Of that epoch. */
  transcriptHash: bytesOf(32),
  /** Of the next epoch, as is the roster, in order of its slots. */
  quorum,
  roster: z.array(member).min(2).max(32),
  termsVersion: z.int().min(0).max(0xffff_ffff),
});
export type ChangeOrder = z.infer<typeof changeOrder>;

const statement = bytesUpTo(MOST_STATEMENT_BYTES);
const statements = z.array(statement).max(64);
/** A change that its whole roster has signed: the certificate of the change without promises and yields. */
const signedChange = bytesUpTo(MAX_KEY_CERTIFICATE_BYTES);
const locks = bytesUpTo(MOST_LOCKS_BYTES);
/** A lock certificate and the signed change that it locks. */
const lockedChange = z.strictObject({ locks, signed: signedChange });
export type LockedChange = z.infer<typeof lockedChange>;

/**
 * What old members have bound themselves to: a signed change with the locks over it, or, `locks` being null, the certificate of one that
 * is decided.
 */
export const boundChange = z.strictObject({ locks: locks.nullable(), signed: signedChange });
export type BoundChange = z.infer<typeof boundChange>;

/** The proposal of a session that moves the shares. */
export const reshareProposal = z.strictObject({
  kind: z.literal('reshare'),
  keyId: identifier,
  order: changeOrder,
  /** Slots of the old epoch, ascending; as many as the old quorum needs. */
  dealers: z.array(slot).min(2).max(32),
  attempt: z.int().min(1).max(0xffff_ffff),
  /** Enough promises of that attempt. */
  promises: statements,
});
export type ReshareProposal = z.infer<typeof reshareProposal>;

/** What a server puts forward for one session: as a receiver its entry of the next roster, as a dealer a nonce. */
export const reshareOffer = z.strictObject({
  receiver: z.strictObject({ ...rosterOffer.shape, nonce: bytesOf(32) }).nullable(),
  dealer: z.strictObject({ nonce: bytesOf(32) }).nullable(),
  /** The server has given its share of the key out: the next epoch says that the key is exported. Absent: it has not. */
  exported: z.literal(true).exactOptional(),
});
export type ReshareOffer = z.infer<typeof reshareOffer>;

/** What a finished session leaves: what names the next epoch, which no vote has decided on yet. */
export const reshareResult = z.strictObject({
  kind: z.literal('reshare'),
  keyId: identifier,
  transcriptHash: bytesOf(32),
});
export type ReshareResult = z.infer<typeof reshareResult>;

/**
 * `waiting`: for the operator, the delay, or both. `ready`: this server promises and locks. `over`: cancelled, refused or
 * expired; `reason` says which. `done`: an epoch behind the deciding one stands.
 */
export const changeView = z.strictObject({
  orderHash: bytesOf(32),
  state: z.enum(['waiting', 'ready', 'over', 'done']),
  /** When the delay is over if this server goes on running; null: nothing is to wait for. */
  readyAt: unixSeconds.nullable(),
  /** Whether the operator is asked and has not answered. */
  asked: z.boolean(),
  reason: label(280).nullable(),
  /** Highest attempt in which this server has spoken; 0: none, or it is no old member. */
  attempt: z.int().min(0).max(0xffff_ffff),
  /** What a restored server has drawn: promises of all others with it let it speak again. */
  forgot: bytesOf(32).nullable(),
  /** What this server said in that attempt, and behind it what others said that let it come there: for whoever is behind. */
  spoken: z.array(statement).max(36),
  /** The lock certificate that its next promise names; null: it knows none. */
  locked: lockedChange.nullable(),
  /** The order is one by the words: fewer old members decide on it, behind seven days. Absent: it is not, or not known here. */
  byWords: z.literal(true).exactOptional(),
});
export type ChangeView = z.infer<typeof changeView>;

/** An order that waits at a server, for every client of the owner: whichever gave it, each of them can take it back. */
export const openOrder = z.strictObject({
  order: changeOrder,
  ...changeView.pick({ readyAt: true, asked: true, byWords: true }).shape,
  state: z.enum(['waiting', 'ready']),
});
export type OpenOrder = z.infer<typeof openOrder>;

/** An order about which of several certificates of one epoch counts that waits at a server, for every client of the owner. */
export const openSettlement = z.strictObject({
  /** The epoch whose members settle. */
  epoch,
  orderHash: bytesOf(32),
  /** Transcript hash of the next epoch that is to count. */
  counts: bytesOf(32),
  /** Those of the others. */
  others: z.array(bytesOf(32)).min(1).max(3),
  ...openOrder.pick({ state: true, readyAt: true, asked: true }).shape,
});
export type OpenSettlement = z.infer<typeof openSettlement>;

/** The reason that a server gives for an order that its owner has taken back. */
export const CANCELLED_BY_OWNER = 'cancelled by its owner';

const acknowledgement = z.strictObject({ slot, signature: bytesOf(64) });
const named = { keyId: identifier, epoch };

/** What the functions `change.*` take and give. */
export const changePropose = {
  parameters: z.strictObject({
    order: changeOrder,
    /** Up to the epoch that decides: the whole chain, or what is behind epochs that were shown (`key.learn`). */
    chain: certificateChain,
    policy: keyTerms,
    /** The server has heard of this order before: one that is over since then is shown, and not begun anew. */
    goesOn: z.literal(true).exactOptional(),
    /** A quorum of old members is to decide on it, where fewer than decide are left: waits seven days more, and the key of the words alone may ask for it. */
    byWords: z.literal(true).exactOptional(),
  }),
  result: changeView,
};
export const changeCancel = {
  parameters: z.strictObject({ ...named, orderHash: bytesOf(32) }),
  result: changeView,
};
export const changePromise = {
  parameters: z.strictObject({
    ...named,
    orderHash: bytesOf(32),
    attempt: z.int().min(1).max(0xffff_ffff),
    /** What others said in the attempt before, or later. */
    shown: statements,
    /** What a member who forgot has drawn; to be asked of all others. */
    recall: bytesOf(32).nullable(),
    /** Lock certificates that this member may not know, and for one who forgot those that the promises shown name. */
    locked: z.array(lockedChange).max(4),
  }),
  /** `highest`: what the promise names, to be shown with it. */
  result: z.strictObject({ statement, highest: lockedChange.nullable() }),
};
export const changeLock = {
  parameters: z.strictObject({
    ...named,
    attempt: z.int().min(1).max(0xffff_ffff),
    signed: signedChange,
    promises: statements,
    /** Of every lock certificate that the promises name. */
    locked: z.array(lockedChange).max(4),
  }),
  result: z.strictObject({ statement }),
};
export const changeYield = {
  parameters: z.strictObject({ ...named, ...lockedChange.shape }),
  result: z.strictObject({ statement }),
};
/** Of servers of the epoch that a certificate makes; absent: none is shown. */
const shownAcknowledgements = z.array(acknowledgement).max(32).optional();
export const changeCommit = {
  parameters: z.strictObject({
    keyId: identifier,
    certificate: bytesUpTo(MAX_KEY_CERTIFICATE_BYTES),
    acknowledgements: shownAcknowledgements,
  }),
  /**
   * `acknowledgement`: as after key generation; null: this server holds no share of that epoch. `isEntered`: it has gone over; else it
   * keeps the certificate, and its share, beside the epoch in use, until it is shown acknowledgements of as many as its quorum needs.
   */
  result: z.strictObject({
    transcriptHash: bytesOf(32),
    acknowledgement: bytesOf(64).nullable(),
    epoch,
    isEntered: z.boolean(),
  }),
};
/**
 * For a server that kept nothing of the epochs between. `certificates`: behind its own epoch, or behind one that it was shown (`key.learn`),
 * up to one in which it has no part; `acknowledgements`: of that one.
 */
export const changeLeave = {
  parameters: z.strictObject({
    keyId: identifier,
    certificates: certificateChain,
    acknowledgements: shownAcknowledgements,
  }),
  /** The first epoch in which it has no part. */
  result: z.strictObject({ epoch }),
};
export const changeRetire = {
  parameters: z.strictObject({
    ...named,
    /** Of every server of the epoch that is acknowledged. */
    acknowledgements: z.array(acknowledgement).max(32),
    /** Which epoch those are of: a later one than `epoch`. Absent: the next. */
    acknowledged: epoch.exactOptional(),
    /** Behind the newest epoch that this server has the certificate of, or was shown, up to that one: where it left before. Absent: none. */
    certificates: certificateChain.exactOptional(),
  }),
  /** `receipt`: see `parseReceipt`. */
  result: z.strictObject({ receipt: bytesUpTo(512), signature: bytesOf(64) }),
};
/** Different certificates of one epoch, each of which holds; the one that is to count is the first. */
const contradicting = z.array(bytesUpTo(MAX_KEY_CERTIFICATE_BYTES)).min(2).max(4);
/** As the blocks of votes in the certificate of a change. */
const settlingVotes = { promises: bytesUpTo(1 << 20), yields: bytesUpTo(1 << 16) };

/** What was settled, for whoever checks the votes himself. */
const settledProof = z.strictObject({ certificates: contradicting, ...settlingVotes });
export type SettledProof = z.infer<typeof settledProof>;

/** How far a server is with settling which certificate of the epoch behind `epoch` counts. */
export const settlementView = z.strictObject({
  ...changeView.omit({ forgot: true, byWords: true }).shape,
  /** Slots of `epoch` that the certificates show to have signed twice: they have no say. */
  twice: z.array(slot).max(32),
  /** Signed by its identity (`readinessStatement`): it has, or can take, its share of the epoch that is to count; null: it cannot, or has no part in it. */
  acknowledgement: bytesOf(64).nullable(),
  /** Whether it was shown enough of those: before that it promises and locks nothing. */
  areReady: z.boolean(),
  /** What was settled, with the certificates that it was settled about, the one that counts first; null: nothing yet. */
  proof: settledProof.nullable(),
});
export type SettlementView = z.infer<typeof settlementView>;

/** `epoch`: whose members settle, the one before the forked one; null: this server knows of no fork. */
export const forkShow = {
  parameters: z.strictObject({
    keyId: identifier,
    /** Whose members may have settled which certificate of the next one counts; absent: nobody asks. */
    epoch: epoch.exactOptional(),
  }),
  result: z.strictObject({
    epoch: epoch.nullable(),
    certificates: z.array(bytesUpTo(MAX_KEY_CERTIFICATE_BYTES)).max(5),
    /** What they settled, as far as this server was told; absent: nobody asks, or it was not. */
    settled: settledProof.exactOptional(),
  }),
};
export const forkSettle = {
  parameters: z.strictObject({
    ...named,
    certificates: contradicting,
    /** Of servers of the epoch that is to count, as they gave them in their views. */
    acknowledgements: z.array(acknowledgement).max(32),
  }),
  result: settlementView,
};
export const forkCancel = {
  parameters: z.strictObject({ ...named, orderHash: bytesOf(32) }),
  result: z.strictObject({}),
};
export const forkEnd = {
  parameters: z.strictObject({ ...named, certificates: contradicting, ...settlingVotes }),
  /** `goesOver`: it waits for the certificate that counts (`change.commit`). */
  result: z.strictObject({ goesOver: z.boolean() }),
};
