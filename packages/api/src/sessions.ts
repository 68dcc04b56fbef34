import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label, quorum, slot, unixSeconds } from './fields.js';
import { keyPolicy } from './policy.js';

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

/** What a server is asked to help create. One member for each kind of ceremony. */
export const proposal = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('dkg'),
    keyId: identifier,
    suite: suiteName,
    purpose: z.string().min(1).max(32),
    quorum,
    policy: keyPolicy,
  }),
]);
export type Proposal = z.infer<typeof proposal>;

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

/** What a finished ceremony leaves: what names the key's epoch, and this server's promise that its certificate is stored. */
export const dkgResult = z.strictObject({
  keyId: identifier,
  transcriptHash: bytesOf(32),
  acknowledgement: bytesOf(64),
});

/** A session as one server sees it. `outbox` are this server's own packets of the current and every earlier round. */
export const sessionView = z.strictObject({
  sessionId: identifier,
  kind: z.literal('dkg'),
  state: z.enum(SESSION_STATES),
  offer: rosterOffer.nullable(),
  round: z.int().min(0).max(16),
  awaiting: z.array(slot).max(32),
  outbox: z.array(bytesUpTo(65_536)).max(16),
  result: dkgResult.nullable(),
  fault: sessionFault.nullable(),
  reason: label(280).nullable(),
  expiresAt: unixSeconds,
});
export type SessionView = z.infer<typeof sessionView>;
