import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  policyHash,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { expect, test } from 'vitest';
import { followLinks, historyOf, lastCommon, linksBetween, newestOf } from './terms-graph.js';

const keyId = new Uint8Array(32).fill(4);
const CERTIFIED: KeyTerms = {
  kinds: ['message'],
  rateLimit: null,
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
};

function wayOf(length: number): readonly TermsLink[] {
  let before = CERTIFIED;
  return Array.from({ length }, (_, at) => {
    const version = versionOf(before) + 1;
    const after: KeyTerms = {
      ...before,
      rateLimit: { count: 1_000_000 - at, perSeconds: 60 },
      version,
      previous: policyHash(before),
    };
    const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(at % 256) }, before, after);
    before = after;
    return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  });
}

test('links that a server shows in the worst order are followed for what each of them costs, however many', () => {
  const links = wayOf(3_000);
  const known = followLinks(keyId, CERTIFIED, links.toReversed());
  expect(known.size).toBe(3_001);
  const held = [...known.values()];
  const last = held.find(({ version }) => version === 3_000)!;
  const middle = held.find(({ version }) => version === 1_500)!;
  expect(historyOf(last).map(({ version }) => version)).toEqual(Array.from({ length: 3_001 }, (_, at) => at));
  expect(lastCommon(last, middle)).toBe(middle);
  expect(newestOf(held[0]!, [last, last, middle], 2, () => false)).toBe(last);
  expect(linksBetween(middle, last)).toHaveLength(1_500);
});

test('what follows from nothing, or has no form, is left out, and so is all behind it', () => {
  const [first, second, third] = wayOf(3);
  const broken = { ...second!, terms: second!.terms.slice(1) };
  const none = { ...second!, statement: new Uint8Array(7) };
  expect(followLinks(keyId, CERTIFIED, [third!, none, broken, first!]).size).toBe(2);
  expect(followLinks(keyId, CERTIFIED, [third!, second!]).size).toBe(1);
});
