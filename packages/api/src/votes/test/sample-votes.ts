import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import type { Ballot } from '../ballot.js';
import type { Polling } from '../judge.js';
import { parseVote, signVote, type SignedVote } from '../proof.js';
import type { VoteStatement } from '../statement.js';
import type { Voter } from '../voter.js';

/** 32 bytes that are all the same. */
export const filled = (byte: number) => new Uint8Array(32).fill(byte);
export const person = (byte: number): Identity => createIdentity(secret(filled(byte)));

export const [alice, bob, carol, phone, stranger] = [1, 2, 3, 4, 5].map(person) as [
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
];
export const NOW = 1_790_000_000;
const SERVERS = [filled(11), filled(12), filled(13)];

/** Who is asked, with the keys of more devices. */
export const voter = (name: string, { xid, publicKeys }: Identity, ...more: readonly Identity[]): Voter => ({
  name,
  xid,
  keys: [publicKeys, ...more.map((each) => each.publicKeys)].map(({ signing }) => ({
    kind: 'ed25519',
    key: signing.bytes,
  })),
});

export const ballot: Ballot = {
  serverId: SERVERS[1]!,
  matter: 'request',
  matterId: filled(21),
  keyId: filled(22),
  termsHash: filled(23),
  requester: phone.xid,
  kind: 'bitcoin',
  payloadHash: filled(24),
  tasksHash: filled(25),
  expiresAt: NOW + 7_200,
};

/** A request of the phone, about which alice, bob and carol are asked. */
export const polling: Polling = {
  ballot,
  approvers: [voter('alice', alice), voter('bob', bob), voter('carol', carol)],
  without: [],
  moment: { now: NOW, maxSkewSeconds: 60 },
};

const { serverId: _serverId, ...said } = ballot;

/** A yes of alice, given a moment ago. */
export const statement: VoteStatement = {
  ...said,
  v: 1,
  verdict: 'yes',
  serial: 1,
  approver: alice.xid,
  audience: SERVERS,
  epoch: 3,
  transcriptHash: filled(26),
  descriptionHash: filled(27),
  reason: null,
  issuedAt: NOW - 5,
  expiresAt: NOW + 3_600,
};

/** What somebody says: a yes like that of alice, but for what is given. */
export function voteOf(who: Identity, more: Partial<VoteStatement> = {}): SignedVote {
  return parseVote(signVote(who, { ...statement, approver: who.xid, ...more }));
}
