import type { Data } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label, quorum, slot, unixSeconds } from './fields/fields.js';
import { MAX_PACKET_BYTES } from './packet.js';
import { keyTerms } from './terms/schema.js';

/** The people-and-policy machine around every ceremony; the protocol's rounds are a second one inside `running`. */
export const SESSION_STATES = [
  'proposed',
  'accepted',
  'running',
  'finished',
  'aborted',
  'expired',
  'cancelled',
  'rejected',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** The only moves a session can make; server, console and documentation read this one table. */
export const TRANSITIONS: Readonly<Record<SessionState, readonly SessionState[]>> = {
  proposed: ['accepted', 'rejected', 'expired', 'cancelled'],
  accepted: ['running', 'expired', 'cancelled', 'aborted'],
  running: ['finished', 'aborted', 'expired', 'cancelled'],
  finished: [],
  aborted: [],
  expired: [],
  cancelled: [],
  rejected: [],
};

export const suiteName = z.enum(['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256']);

/** Names a kind of ceremony; a server takes part in those it has a room for. */
export const ceremonyKind = z
  .string()
  .max(32)
  .regex(/^[a-z][a-z0-9-]*$/, { error: 'expected the name of a ceremony' });

/** Fields that belong to one kind of ceremony: its room and its client check them, everybody else carries them. */
const ofItsKind = z.custom<Data>((value) => value !== undefined);

/** What a server is asked to take part in. What else it holds is for the room of that kind to read. */
export const proposal = z.object({ kind: ceremonyKind, keyId: identifier }).catchall(ofItsKind);
export type Proposal = z.infer<typeof proposal>;

/**
 * Whether so many of its servers decide on each change of them that fewer liars than the quorum cannot fork the key; fixed for ever.
 * Absent: they need not.
 */
const strict = z.literal(true).exactOptional();

/** The proposal to make a new key. */
export const dkgProposal = z.strictObject({
  kind: z.literal('dkg'),
  keyId: identifier,
  suite: suiteName,
  purpose: z.string().min(1).max(32),
  quorum,
  policy: keyTerms,
  /** Whether its servers may give it out later, to its owner; fixed for ever, and such a key has no children. Absent: they may not. */
  exportable: z.literal(true).exactOptional(),
  strict,
});
export type DkgProposal = z.infer<typeof dkgProposal>;

/** The proposal to take over a key that its owner has whole; he deals it himself, in the parameters of the session. */
export const importProposal = z.strictObject({
  kind: z.literal('import'),
  keyId: identifier,
  suite: suiteName,
  purpose: z.string().min(1).max(32),
  quorum,
  policy: keyTerms,
  /** The public key that will come of it, encoded. */
  groupKey: bytesUpTo(33),
  /** Whether it comes with a chain code, so that children are derived from it. */
  hd: z.boolean(),
  strict,
});
export type ImportProposal = z.infer<typeof importProposal>;

/** A server's contribution to the roster of a key; `identitySignature` binds both keys to the server's identity. */
export const rosterOffer = z.strictObject({
  serverId: bytesOf(32),
  identityKey: bytesOf(32),
  sealingKey: bytesOf(32),
  staticKey: bytesUpTo(33),
  staticProof: bytesUpTo(65),
  identitySignature: bytesOf(64),
  url: z.string().max(256),
});
export type RosterOffer = z.infer<typeof rosterOffer>;

export const sessionFault = z.strictObject({
  code: z.string().max(64),
  round: z.int().min(0).max(16),
  culprits: z.array(slot).max(32),
});

/** What a finished making of a key leaves: what names the key's epoch, and this server's promise that its certificate is stored. */
export const dkgResult = z.strictObject({
  kind: z.literal('dkg'),
  keyId: identifier,
  transcriptHash: bytesOf(32),
  acknowledgement: bytesOf(64),
});
export type DkgResult = z.infer<typeof dkgResult>;

/** What a finished ceremony leaves: a member for each kind, read by whoever knows it. */
export const sessionResult = z.object({ kind: ceremonyKind }).catchall(ofItsKind);
export type SessionResult = z.infer<typeof sessionResult>;

/** Most packets in one message, either way. */
export const MAX_PACKETS = 64;
/** Bytes of packets after which no more are put into one answer; one longer packet still goes alone. */
export const OUTBOX_PAGE_BYTES = 524_288;

/**
 * A session as one server sees it. `outbox` holds this server's own packets, in the order it said them, behind as many as
 * the caller has; `next` is how many that makes, or null when there are no more yet.
 */
export const sessionView = z.strictObject({
  sessionId: identifier,
  kind: ceremonyKind,
  state: z.enum(SESSION_STATES),
  /** Null before this server takes part: people are asked, or it does not. */
  offer: ofItsKind.nullable(),
  round: z.int().min(0).max(16),
  /** Slots this server waits for. */
  awaiting: z.array(slot).max(32),
  outbox: z.array(bytesUpTo(MAX_PACKET_BYTES)).max(MAX_PACKETS),
  next: z.int().min(0).nullable(),
  result: sessionResult.nullable(),
  fault: sessionFault.nullable(),
  reason: label(280).nullable(),
  expiresAt: unixSeconds,
});
export type SessionView = z.infer<typeof sessionView>;
