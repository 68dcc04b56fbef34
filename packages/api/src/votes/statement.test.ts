import { CkmError, encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import {
  encodeVoteStatement,
  hashVote,
  MAX_VOTE_STATEMENT_BYTES,
  parseVoteStatement,
  type VoteStatement,
} from './statement.js';
import { encodeVote, MAX_VOTE_BYTES, parseVote, signVote } from './proof.js';
import { alice, filled, statement } from './test/sample-votes.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

const parsing = (value: object) => codeOf(() => parseVoteStatement(encodeData({ ...value })));

describe('a statement of a vote', () => {
  test('comes back as it was said, and has the name that was frozen', () => {
    const bytes = encodeVoteStatement(statement);
    expect({ ...parseVoteStatement(bytes) }).toEqual(statement);
    expect(encodeHex(hashVote(bytes))).toBe(
      '6e5fa866a52aa710d04581ed72189cebf5e2eab01dcebd7f94176fdc9d605662',
    );
  });

  test('has room for 32 servers and the longest reason', () => {
    const audience = Array.from({ length: 32 }, (_, i) => filled(i));
    const longest: VoteStatement = { ...statement, audience, verdict: 'no', reason: '族'.repeat(280) };
    const bytes = encodeVoteStatement({ ...longest, kind: '族'.repeat(32) });
    expect(bytes.length).toBeLessThan(MAX_VOTE_STATEMENT_BYTES - 1_000);
    expect(parseVoteStatement(bytes).audience).toHaveLength(32);
  });

  test.each<[string, object]>([
    ['a version that is to come', { v: 2 }],
    ['a member that nobody knows', { policyHash: filled(1) }],
    ['a matter that nobody votes on', { matter: 'refresh' }],
    ['another verdict', { verdict: 'maybe' }],
    ['serial 0', { serial: 0 }],
    ['a name that is too short', { approver: new Uint8Array(31) }],
    ['no server', { audience: [] }],
    ['a server twice', { audience: [filled(11), filled(11)] }],
    ['servers out of order', { audience: [filled(12), filled(11)] }],
    ['33 servers', { audience: Array.from({ length: 33 }, (_, i) => filled(i)) }],
    ['a request that nobody made', { requester: null }],
    ['a yes with a reason', { reason: 'it is late' }],
    ['a reason that turns text around', { verdict: 'no', reason: '\u202eyes' }],
    ['a reason that is too long', { verdict: 'no', reason: 'x'.repeat(281) }],
    ['an end before its beginning', { expiresAt: statement.issuedAt }],
    ['text where bytes belong', { payloadHash: 'x'.repeat(32) }],
    ['a date in the year 10000', { expiresAt: 253_402_300_800 }],
  ])('is refused with %s', (_what, more) => {
    expect(parsing({ ...statement, ...more })).toBe('VOTE_INVALID');
  });

  test('is refused when anything is missing', () => {
    for (const name of Object.keys(statement)) {
      const { [name as keyof VoteStatement]: _left, ...rest } = statement;
      expect(parsing(rest), name).toBe('VOTE_INVALID');
    }
    expect(parsing([])).toBe('VOTE_INVALID');
  });

  test('V9: is not read when it is too long, too deep, or spelled otherwise', () => {
    const bytes = encodeVoteStatement(statement);
    const read = (spelled: Uint8Array) => codeOf(() => parseVoteStatement(spelled));
    expect(read(new Uint8Array(MAX_VOTE_STATEMENT_BYTES + 1))).toBe('CBOR_TOO_LONG');
    expect(read(encodeData([[[[1]]]]))).toBe('CBOR_TOO_DEEP');
    expect(read(bytes.subarray(1))).toMatch(/^CBOR_/);
    expect(read(Uint8Array.of(...bytes, 0))).toBe('CBOR_INVALID');
    expect(read(new Uint8Array())).toBe('CBOR_INVALID');
    const v = bytes.findIndex((_, at) => bytes[at] === 0x61 && bytes[at + 1] === 0x76 && bytes[at + 2] === 1);
    const longer = Uint8Array.of(...bytes.subarray(0, v + 2), 0x18, 1, ...bytes.subarray(v + 3));
    expect(v).toBeGreaterThan(0);
    expect(read(longer)).toBe('CBOR_INVALID');
  });

  test('is not signed when nobody would read it', () => {
    expect(codeOf(() => signVote(alice, { ...statement, reason: 'why not' }))).toBe('VOTE_INVALID');
  });
});

describe('a vote with its proof', () => {
  const bytes = encodeVoteStatement(statement);
  const reading = (proof: object, of = bytes) =>
    codeOf(() => parseVote(encodeData({ statement: of, proof: { ...proof } })));

  test('comes back', () => {
    const vote = parseVote(signVote(alice, statement));
    expect({ ...vote.statement }).toEqual(statement);
    expect(vote.digest).toEqual(hashVote(bytes));
    const assertion = {
      kind: 'passkey',
      authenticatorData: filled(1),
      clientData: filled(2),
      signature: filled(3),
    } as const;
    expect({ ...parseVote(encodeVote(bytes, assertion)).proof }).toEqual(assertion);
  });

  test('has room for the longest parts', () => {
    const statementOf32 = { ...statement, audience: Array.from({ length: 32 }, (_, i) => filled(i)) };
    const vote = encodeVote(encodeVoteStatement(statementOf32), {
      kind: 'passkey',
      authenticatorData: new Uint8Array(1_024),
      clientData: new Uint8Array(2_048),
      signature: new Uint8Array(512),
    });
    expect(vote.length).toBeLessThan(MAX_VOTE_BYTES);
    expect(parseVote(vote).proof.kind).toBe('passkey');
  });

  test.each<[string, object]>([
    ['none', {}],
    ['one of a kind that is to come', { kind: 'ml-dsa', signature: new Uint8Array(64) }],
    ['a signature that is too short', { kind: 'ed25519', signature: new Uint8Array(63) }],
    ['a signature with something besides', { kind: 'ed25519', signature: new Uint8Array(64), key: 1 }],
    [
      'client data that is too long',
      {
        kind: 'passkey',
        authenticatorData: filled(1),
        clientData: new Uint8Array(2_049),
        signature: filled(3),
      },
    ],
  ])('is refused with this proof: %s', (_what, proof) => {
    expect(reading(proof)).toBe('VOTE_INVALID');
  });

  test('is refused when its statement is', () => {
    const proof = { kind: 'ed25519', signature: new Uint8Array(64) };
    expect(reading(proof, encodeData({ ...statement, serial: 0 }))).toBe('VOTE_INVALID');
    expect(reading(proof, encodeData('yes'))).toBe('VOTE_INVALID');
    expect(reading(proof, Uint8Array.of(0xff))).toBe('CBOR_INVALID');
    expect(codeOf(() => parseVote(new Uint8Array(MAX_VOTE_BYTES + 1)))).toBe('CBOR_TOO_LONG');
  });
});
