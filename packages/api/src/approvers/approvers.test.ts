import { CkmError, secret } from '@ckm/foundation';
import {
  createIdentity,
  type Data,
  decodeData,
  encodeData,
  formatEnvelopeUr,
  formatWords,
  leaf,
  leafValue,
  likenessOf,
  parseEnvelopeUr,
} from '@ckm/gordian';
import { expect, test } from 'vitest';
import {
  type ApproverAnswer,
  approverOf,
  assertAnswers,
  type GivenInvitation,
  MOST_ANSWER_CHARACTERS,
  MOST_INVITATION_CHARACTERS,
  MOST_VOTES_CHARACTERS,
  parseAnswer,
  parseInvitation,
  parseVotes,
  writeAnswer,
  writeInvitation,
  writeVotes,
} from './index.js';
import { signVote } from '../votes/proof.js';
import { alice, statement } from '../votes/test/sample-votes.js';

const filled = (byte: number) => new Uint8Array(32).fill(byte);
const person = (byte: number) => createIdentity(secret(filled(byte)));
const bob = person(2);

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'OK';
};

const servers = [11, 12, 13].map((byte, at) => {
  const { xid, publicKeys } = person(byte);
  const name = ['alpha', 'bravo', 'charlie'][at]!;
  return { name, url: `https://${name}.example`, xid, publicKeys, authority: null };
});
const wanted = { name: 'bob', keyName: 'treasury', keyId: filled(9), servers, certificate: null };
const { text, digest } = writeInvitation(wanted);
const invitation = parseInvitation(text);

test('an invitation comes back as it was, whatever blanks stand around it, and is the same one every time', () => {
  expect(invitation).toEqual({ ...wanted, digest });
  expect(parseInvitation(`\n  ${text}\r\n`)).toEqual(invitation);
  expect(writeInvitation(wanted).text).toBe(text);
  const made = { ...wanted, certificate: filled(3) };
  expect(parseInvitation(writeInvitation(made).text)).toMatchObject(made);
});

test('32 servers with the longest authorities have room in it', () => {
  const many = Array.from({ length: 32 }, (_, at) => {
    const { xid, publicKeys } = person(100 + at);
    const authority = 'x'.repeat(8_192);
    return { name: `s${at}`, url: `https://${'x'.repeat(100)}.example`, xid, publicKeys, authority };
  });
  const long = writeInvitation({ ...wanted, servers: many }).text;
  expect(long.length).toBeLessThan(MOST_INVITATION_CHARACTERS);
  expect(parseInvitation(long).servers).toEqual(many);
});

const [server] = servers;
test.each<[string, object]>([
  ['no server', { servers: [] }],
  ['a server twice', { servers: [server, server] }],
  ['two servers of one name', { servers: [server, { ...servers[1]!, name: server!.name }] }],
  ['a name that no terms have', { name: 'Bob' }],
  ['a name that a sentence has for something else', { name: 'nobody' }],
  ['text that turns around', { keyName: '\u202etreasury' }],
  ['another length of the id', { keyId: new Uint8Array(31) }],
])('an invitation with %s is not written', (_what, more) => {
  expect(codeOf(() => writeInvitation({ ...wanted, ...more }))).toBe('APPROVER_INVITATION_INVALID');
});

const ur = (content: { readonly [member: string]: Data }) => formatEnvelopeUr(leaf(encodeData(content)));
const answered = writeAnswer(bob, invitation);

test.each<[string, string]>([
  ['cut', text.slice(0, -8)],
  ['with a letter changed', text.replace(/.$/, (last) => (last === 'a' ? 'e' : 'a'))],
  ['an answer', answered.text],
  ['of a version that is to come', ur({ v: 2, kind: 'approver-invitation' })],
  ['another leaf', formatEnvelopeUr(leaf('treasury'))],
  ['empty', ''],
  ['very long', 'u'.repeat(MOST_INVITATION_CHARACTERS + 1)],
])('an invitation that is %s is refused', (_what, given) => {
  expect(codeOf(() => parseInvitation(given))).toBe('APPROVER_INVITATION_INVALID');
});

test('an answer names a key of this person, shows that he has it, and gives what the terms say of him', () => {
  const answer = parseAnswer(` ${answered.text}\n`);
  expect(answer).toEqual({
    name: 'bob',
    keyId: wanted.keyId,
    invitation: digest,
    publicKeys: bob.publicKeys,
    xid: bob.xid,
    digest: answered.digest,
  });
  expect(codeOf(() => assertAnswers(answer, invitation))).toBe('OK');
  const keys = [{ kind: 'ed25519', key: bob.publicKeys.signing.bytes }];
  expect(approverOf(answer)).toEqual({ name: 'bob', xid: bob.xid, keys });
  expect(writeAnswer(bob, invitation).text).toBe(answered.text);
});

test('nobody answers with the key of somebody else, and a proof is for one invitation', () => {
  const eve = person(66);
  const [own, hers] = [bob, eve].map((who) => membersOf(writeAnswer(who, invitation)));
  const proof = hers!['proof']!;
  const elsewhere = membersOf(writeAnswer(bob, { ...invitation, digest: filled(1) }));
  for (const given of [
    { ...own!, proof },
    { ...hers!, signing: own!['signing']!, proof: own!['proof']! },
    { ...own!, proof: elsewhere['proof']! },
    { ...own!, agreement: hers!['agreement']! },
  ])
    expect(codeOf(() => parseAnswer(ur(given)))).toBe('APPROVER_ANSWER_INVALID');
});

function membersOf({ text: written }: { readonly text: string }): Record<string, Data> {
  const value = leafValue(parseEnvelopeUr(written));
  return decodeData(value.value as Uint8Array) as Record<string, Data>;
}

test.each<[string, string]>([
  ['cut', answered.text.slice(0, -8)],
  ['an invitation', text],
  ['empty', ''],
  ['very long', 'u'.repeat(MOST_ANSWER_CHARACTERS + 1)],
])('an answer that is %s is refused', (_what, given) => {
  expect(codeOf(() => parseAnswer(given))).toBe('APPROVER_ANSWER_INVALID');
});

test('an answer to another invitation, about another key, or that looks otherwise is not taken', () => {
  const answer = parseAnswer(answered.text);
  const asking = (more: Partial<GivenInvitation>, heard?: string) =>
    codeOf(() => assertAnswers(answer, { ...invitation, ...more }, heard));
  expect(asking({ keyId: filled(8) })).toBe('APPROVER_ANSWER_OTHER');
  expect(asking({ digest: filled(8) })).toBe('APPROVER_ANSWER_OTHER');
  expect(asking({ name: 'carol' })).toBe('APPROVER_ANSWER_OTHER');
  expect(asking({}, formatWords(likenessOf(answer.digest)))).toBe('OK');
  expect(asking({}, formatWords(likenessOf(filled(7))))).toBe('APPROVER_LIKENESS_MISMATCH');
});

test('whoever answers in the place of another one has other words', () => {
  const digests = [bob, person(66)].map((who): ApproverAnswer =>
    parseAnswer(writeAnswer(who, invitation).text),
  );
  expect(digests[0]!.digest).not.toEqual(digests[1]!.digest);
});

test('votes come back from their paper as they were signed, and nothing else does', () => {
  const votes = [1, 2].map((serial) => signVote(alice, { ...statement, serial }));
  const { text: paper } = writeVotes(votes);
  const read = parseVotes(`\n${paper} `);
  expect(read.map(({ bytes }) => bytes)).toEqual(votes);
  expect(read.map(({ statement: { serial } }) => serial)).toEqual([1, 2]);
  expect(writeVotes(Array.from({ length: 16 }, () => new Uint8Array(8_192))).text.length).toBeLessThan(
    MOST_VOTES_CHARACTERS,
  );
  const longer = writeVotes(Array.from({ length: 17 }, () => votes[0]!)).text;
  const broken = writeVotes([votes[0]!.slice(1)]).text;
  for (const given of [longer, paper.slice(0, -8), text, '', 'u'.repeat(MOST_VOTES_CHARACTERS + 1)])
    expect(codeOf(() => parseVotes(given))).toBe('VOTE_INVALID');
  expect(codeOf(() => parseVotes(broken))).toMatch(/^CBOR_/);
});
