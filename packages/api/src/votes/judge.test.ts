import { AccessError, StateError } from '@ckm/foundation';
import { encodeData, signBytes } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { holdVotes } from './count.js';
import { voteRefused } from './faults.js';
import { judgeVote, type Polling } from './judge.js';
import { encodeVote, parseVote, type SignedVote } from './proof.js';
import { encodeVoteStatement, hashVote, type VoteStatement } from './statement.js';
import type { Passkey } from './voter.js';
import {
  alice,
  bob,
  carol,
  filled,
  NOW,
  phone,
  polling,
  statement,
  stranger,
  voteOf,
  voter,
} from './test/sample-votes.js';

const judge = (vote: SignedVote, on: Polling = polling) => judgeVote(vote, on, () => false);
/** Who is counted as saying yes, were the proof good. */
const yesesOf = (vote: SignedVote, on: Polling = polling) => holdVotes([vote], on).yes.size;

/** Every field of a statement with another value, and what a server says to a vote that its approver has signed with that. null: it counts. */
const CHANGED: {
  readonly [Name in Exclude<keyof VoteStatement, 'v' | 'verdict' | 'approver'>]: readonly [
    more: Partial<VoteStatement> & Pick<VoteStatement, Name>,
    fault: string | null,
  ];
} = {
  audience: [{ audience: [filled(11), filled(13)] }, 'VOTE_FOR_OTHER_SERVERS'],
  keyId: [{ keyId: filled(99) }, 'VOTE_FOR_OTHER_KEY'],
  termsHash: [{ termsHash: filled(99) }, 'VOTE_UNDER_OTHER_TERMS'],
  matter: [{ matter: 'export' }, 'VOTE_IN_OTHER_MATTER'],
  matterId: [{ matterId: filled(99) }, 'VOTE_IN_OTHER_MATTER'],
  requester: [{ requester: bob.xid }, 'VOTE_FOR_OTHER_REQUESTER'],
  kind: [{ kind: 'message' }, 'VOTE_ON_OTHER_CONTENT'],
  payloadHash: [{ payloadHash: filled(99) }, 'VOTE_ON_OTHER_CONTENT'],
  tasksHash: [{ tasksHash: filled(99) }, 'VOTE_ON_OTHER_CONTENT'],
  issuedAt: [{ issuedAt: NOW + 61 }, 'VOTE_NOT_YET'],
  expiresAt: [{ expiresAt: NOW }, 'VOTE_EXPIRED'],
  serial: [{ serial: 7 }, null],
  epoch: [{ epoch: 4 }, null],
  transcriptHash: [{ transcriptHash: filled(99) }, null],
  descriptionHash: [{ descriptionHash: filled(99) }, null],
  reason: [{ verdict: 'no', reason: 'not today' }, null],
};

describe('a vote at a server', () => {
  test('counts for what it was given for', () => {
    expect(judge(voteOf(alice))).toBeNull();
    expect(yesesOf(voteOf(alice))).toBe(1);
  });

  test.each(Object.entries(CHANGED).filter(([, [, fault]]) => fault !== null))(
    'P3: with another %s counts nowhere',
    (_name, [more, fault]) => {
      expect(judge(voteOf(alice, more))).toBe(fault);
      expect(yesesOf(voteOf(alice, more))).toBe(0);
    },
  );

  test.each(Object.entries(CHANGED).filter(([, [, fault]]) => fault === null))(
    'with another %s is one that counts: that is recorded, and decides nothing',
    (_name, [more]) => {
      expect(judge(voteOf(alice, more))).toBeNull();
    },
  );

  test.each(Object.entries({ ...CHANGED, verdict: [{ verdict: 'takeBack' }, null] as const }))(
    'P6: whose %s somebody else has changed is proven by nobody',
    (_name, [more]) => {
      const { proof } = voteOf(alice);
      const changed = parseVote(encodeVote(encodeVoteStatement({ ...statement, ...more }), proof));
      expect(judge(changed)).not.toBeNull();
      const { matterId, keyId, termsHash, requester, matter, kind, payloadHash, tasksHash } =
        changed.statement;
      const ballot = { matterId, keyId, termsHash, requester, matter, kind, payloadHash, tasksHash };
      const servers = changed.statement.audience;
      const { issuedAt, expiresAt } = changed.statement;
      const fitting: Polling = {
        ...polling,
        ballot: { ...ballot, serverId: servers[0]!, expiresAt },
        moment: { now: Math.min(issuedAt, expiresAt - 1), maxSkewSeconds: 0 },
      };
      expect(judge(changed, fitting)).toBe('VOTE_NOT_PROVEN');
    },
  );

  test('P6: that a server made up, or took from somebody else, is proven by nobody', () => {
    const made = (signature: Uint8Array) => {
      const bytes = encodeVoteStatement(statement);
      return parseVote(encodeVote(bytes, { kind: 'ed25519', signature }));
    };
    const digest = hashVote(encodeVoteStatement(statement));
    expect(judge(made(signBytes(alice, 'ckm/vote/v1', digest)))).toBeNull();
    expect(judge(made(signBytes(alice, 'ckm/vote', digest)))).toBe('VOTE_NOT_PROVEN');
    expect(judge(made(signBytes(bob, 'ckm/vote/v1', digest)))).toBe('VOTE_NOT_PROVEN');
    expect(judge(made(new Uint8Array(64)))).toBe('VOTE_NOT_PROVEN');
    expect(judge(voteOf(bob, { approver: alice.xid }))).toBe('VOTE_NOT_PROVEN');
  });

  test('P3: by nobody whom the terms name counts nowhere', () => {
    expect(judge(voteOf(stranger))).toBe('VOTE_NOT_BY_APPROVER');
    expect(yesesOf(voteOf(stranger))).toBe(0);
  });

  test('P3: by the device that asked does not count, under whichever of its keys it is an approver', () => {
    const asking = (requester: Uint8Array, more: Partial<Polling> = {}): Polling => ({
      ...polling,
      ...more,
      ballot: { ...polling.ballot, requester },
    });
    const own = voteOf(alice, { requester: alice.xid });
    expect(judge(own, asking(alice.xid))).toBe('VOTE_BY_REQUESTER');
    expect(yesesOf(own, asking(alice.xid))).toBe(0);
    // Alice signs with her phone too, and asks with it.
    const approvers = [voter('alice', alice, phone), voter('bob', bob), voter('carol', carol)];
    const on = asking(phone.xid, { approvers });
    for (const vote of [voteOf(alice), voteOf(phone, { approver: alice.xid })]) {
      expect(judge(vote, on)).toBe('VOTE_BY_REQUESTER');
      expect(yesesOf(vote, on)).toBe(0);
    }
    // Her phone is not among her keys there, but known to be hers.
    const known = asking(phone.xid, { without: [alice.xid] });
    expect(judge(voteOf(alice), known)).toBe('VOTE_BY_REQUESTER');
    expect(yesesOf(voteOf(alice), known)).toBe(0);
    expect(judge(voteOf(bob), known)).toBeNull();
  });

  test('in a matter without a requester counts when it names none', () => {
    const ballot = { ...polling.ballot, matter: 'case', requester: null } as const;
    const said = { matter: 'case', requester: null } as const;
    expect(judge(voteOf(alice, said), { ...polling, ballot })).toBeNull();
    expect(judge(voteOf(alice, { ...said, requester: phone.xid }), { ...polling, ballot })).toBe(
      'VOTE_FOR_OTHER_REQUESTER',
    );
  });

  test('counts until it ends, never longer than its matter, and never longer than votes do', () => {
    const at = (now: number) => ({ ...polling, moment: { now, maxSkewSeconds: 60 } });
    const { expiresAt } = statement;
    expect(judge(voteOf(alice), at(expiresAt - 1))).toBeNull();
    expect(judge(voteOf(alice), at(expiresAt))).toBe('VOTE_EXPIRED');
    expect(judge(voteOf(alice, { issuedAt: NOW + 60 }))).toBeNull();
    const over = polling.ballot.expiresAt;
    expect(judge(voteOf(alice, { expiresAt: over }))).toBeNull();
    expect(judge(voteOf(alice, { expiresAt: over + 1 }))).toBe('VOTE_LASTS_TOO_LONG');
    const long = { ...polling, ballot: { ...polling.ballot, expiresAt: NOW + 90 * 86_400 } };
    const lasting = (seconds: number, more: Partial<VoteStatement> = {}) =>
      voteOf(alice, { issuedAt: NOW, expiresAt: NOW + seconds, ...more });
    expect(judge(lasting(86_400), long)).toBeNull();
    expect(judge(lasting(86_401), long)).toBe('VOTE_LASTS_TOO_LONG');
    const order = { ...long, ballot: { ...long.ballot, matter: 'order' } } as const;
    expect(judge(lasting(14 * 86_400, { matter: 'order' }), order)).toBeNull();
    expect(judge(lasting(14 * 86_400 + 1, { matter: 'order' }), order)).toBe('VOTE_LASTS_TOO_LONG');
  });

  test('with a passkey is judged by each passkey of the approver, and by nothing else', () => {
    const keyWith = (byte: number): Passkey => ({
      kind: 'passkey',
      alg: -7,
      spki: filled(byte),
      rpId: 'a.test',
      origins: ['https://a.test'],
    });
    const assertion = { authenticatorData: filled(1), clientData: filled(2), signature: filled(3) };
    const vote = parseVote(encodeVote(encodeVoteStatement(statement), { kind: 'passkey', ...assertion }));
    const judging = (...keys: readonly Passkey[]) => {
      const approvers = [{ name: 'alice', xid: alice.xid, keys: [...voter('', alice).keys, ...keys] }];
      return judgeVote(vote, { ...polling, approvers }, ({ spki }, digest, { signature }) => {
        expect([digest, signature]).toEqual([vote.digest, filled(3)]);
        return spki[0] === 2;
      });
    };
    expect(judging(keyWith(1), keyWith(2))).toBeNull();
    expect(judging(keyWith(1))).toBe('VOTE_NOT_PROVEN');
    expect(judging()).toBe('VOTE_NOT_PROVEN');
  });
});

test('what is refused says what, and what to do, and whether it is about who voted', () => {
  expect(voteRefused('VOTE_EXPIRED')).toBeInstanceOf(StateError);
  expect(voteRefused('VOTE_EXPIRED').retryable).toBe(false);
  expect(voteRefused('VOTE_NOT_PROVEN')).toBeInstanceOf(AccessError);
  expect(voteRefused('VOTE_FOR_OTHER_KEY')).toMatchObject({
    code: 'VOTE_FOR_OTHER_KEY',
    message: 'the vote is about another key',
  });
});

test('V9: what is no vote is refused before anything is made of it', () => {
  expect(() => parseVote(encodeData({}))).toThrow(expect.objectContaining({ code: 'VOTE_INVALID' }));
});
