import {
  ballotOfTerms,
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  encodeTermsProposal,
  type KeyTerms,
  policyHash,
  type ShownMatter,
  signVote,
  termsChangeDigest,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import type { CertifiedEpoch } from '@ckm/threshold';
import { expect, test } from 'vitest';
import type { ApproverKey } from './approver-key.js';
import { readMatter } from './matter.js';

const NOW = 1_790_000_000;
const DAY = 86_400;
const filled = (byte: number) => new Uint8Array(32).fill(byte);
const [ann, bob, cy] = [1, 2, 3].map((byte) => createIdentity(secret(filled(byte)))) as [
  Identity,
  Identity,
  Identity,
];
const keyId = filled(7);
const serverId = filled(8);

const before: KeyTerms = {
  kinds: ['message'],
  rateLimit: { count: 5, perSeconds: DAY },
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
  ownerKey: filled(9),
  approvers: Object.entries({ ann, bob, cy }).map(([name, { xid, publicKeys }]) => ({
    name,
    xid,
    keys: [{ kind: 'ed25519', key: publicKeys.signing.bytes }],
  })),
  approvals: [{ when: { all: [] }, needed: 2, of: ['ann', 'bob', 'cy'] }],
  change: { needed: 1, of: ['ann', 'bob', 'cy'], delaySeconds: 3 * DAY, words: 30 * DAY },
};
const after: KeyTerms = {
  ...before,
  rateLimit: null,
  approvers: before.approvers!.slice(0, 2),
  approvals: [{ when: { all: [] }, needed: 2, of: ['ann', 'bob'] }],
  change: { needed: 1, of: ['ann', 'bob'], delaySeconds: 3 * DAY, words: 30 * DAY },
  version: 1,
  previous: policyHash(before),
};

function shownChange(more: Partial<ShownMatter> = {}): ShownMatter {
  const change = changeOfTerms({ keyId, id: filled(5) }, before, after);
  const statement = encodeTermsChange(change);
  const { serverId: _server, ...named } = ballotOfTerms(change, { serverId, expiresAt: NOW + 20 * DAY });
  const votes = [ann, cy].map((who) =>
    signVote(who, {
      ...named,
      v: 1,
      verdict: 'yes',
      serial: 1,
      approver: who.xid,
      audience: [serverId],
      epoch: 0,
      transcriptHash: filled(0),
      descriptionHash: termsChangeDigest(change),
      reason: null,
      issuedAt: NOW,
      expiresAt: NOW + DAY,
    }),
  );
  return {
    ...named,
    createdAt: NOW,
    payload: encodeTermsProposal({ statement, terms: encodeTerms(after) }),
    terms: encodeTerms(before),
    epoch: 0,
    transcriptHash: filled(0),
    certificate: null,
    sentence: 'Believe me',
    votes,
    ...more,
  };
}

const read = (shown: ShownMatter) =>
  readMatter(shown, {
    key: { keyName: 'savings' } as ApproverKey,
    epoch: {} as CertifiedEpoch,
    me: bob.xid,
    shownBy: serverId,
    now: NOW,
  });

test('a change of terms is read out of its bytes: what it loosens, what is no longer said and what is new, and who has said what', () => {
  const { description, terms, yes } = read(shownChange());
  expect(description.sentence).toBe(
    'Terms 1 in the place of terms 0. They may let in more, or bind its owner in another way, by: how many requests there may be, rules for requests, how the terms change, approvers.',
  );
  expect(description.rows.filter(({ label }) => label === 'No longer').length).toBeGreaterThan(0);
  expect(description.rows.filter(({ label }) => label === 'New').length).toBeGreaterThan(0);
  expect(JSON.stringify(description)).not.toContain('Believe me');
  expect(terms.length).toBeGreaterThan(0);
  // Whom it takes away has no say in it.
  expect(yes).toEqual(['ann']);
});

test.each<readonly [string, (shown: ShownMatter) => Partial<ShownMatter>]>([
  ['bytes that are none', () => ({ payload: filled(1) })],
  ['a change under another id', () => ({ matterId: filled(1) })],
  ['another name for what it does', () => ({ tasksHash: filled(1) })],
  ['other terms than those that are named', () => ({ payloadHash: filled(1) })],
  ['a change of another key', () => ({ keyId: filled(1) })],
  ['other terms in force', () => ({ terms: encodeTerms({ ...before, blindAllowed: true }) })],
])('V11: nobody says yes to %s', (_, change) => {
  const shown = shownChange();
  expect(() => read({ ...shown, ...change(shown) })).toThrow(
    expect.objectContaining({ code: 'APPROVAL_FALSE' }) as Error,
  );
});
