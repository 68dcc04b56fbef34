import { expect, test } from 'vitest';
import { checkForgotten, checkMargins } from './check-margins.js';
import type { KeyStatus } from './key-status.js';
import type { Status } from './status.js';

/** A key of 2 of 3 in the place of whose bravo another server answers. */
const key = {
  name: 'letters',
  quorum: { needed: 2, of: 3 },
  reachable: ['alpha', 'charlie'],
  unproved: [],
  absent: [],
  replaced: ['bravo'],
  lost: [],
  behind: [],
  forgot: [],
  changeable: 'yes',
  stopped: [],
  frozen: [],
  heirs: [],
  margin: 0,
  isMarginLow: true,
  changes: { needed: 2, margin: 0, isLow: true },
  expiresAt: null,
  isExpired: false,
} as unknown as KeyStatus;
const lineOf = (changed: Partial<KeyStatus>) =>
  checkMargins({ keys: [{ ...key, ...changed }] } as unknown as Status)[0];

test('another server may take the place of one that is gone while the others are enough to decide', () => {
  expect(lineOf({})).toMatchObject({
    level: 'warn',
    fix: 'the share at bravo is gone with that server: let another take its place, under the same key, before one more is lost',
    remedy: { kind: 'replaceServer', key: 'letters', servers: ['alpha', 'charlie'], quorum: '2of3' },
  });
});

test('one that does not answer is to be brought back, and to be replaced where it is gone for good and the others are enough', () => {
  const dead = { replaced: [], absent: ['bravo'] };
  const remedy = { kind: 'replaceServer', key: 'letters', servers: ['alpha', 'charlie'], quorum: '2of3' };
  expect(lineOf(dead)).toMatchObject({
    fix: 'bring bravo back; if it is gone for good let another take its place, under the same key',
    remedy,
  });
  const few = lineOf({ ...dead, changes: { needed: 3, margin: -1, isLow: true } })!;
  expect([few.fix, few.remedy]).toEqual(['bring bravo back', undefined]);
  const frozen = [{ server: 'charlie', until: 0, thawAskedAt: null }];
  expect(lineOf({ ...dead, reachable: ['alpha'], frozen })).toMatchObject({ remedy });
  const two = { ...dead, quorum: { needed: 3, of: 5 }, absent: ['bravo', 'delta'] };
  const many = lineOf({ ...two, reachable: ['alpha', 'charlie', 'echo'] })!;
  expect(many.fix).toMatch(/^bring bravo and delta back; in the place of one that is gone for good/);
  expect(many.remedy).toBeUndefined();
});

test('L14: where all of a strict key have to decide nobody is sent to replace one that is gone', () => {
  const line = lineOf({ changes: { needed: 3, margin: -1, isLow: false } });
  expect(line).toEqual({
    level: 'warn',
    subject: 'letters',
    text: 'none may fail; cannot change hands: that takes 3: 2 of 3 servers answer, 2 are needed (3 to change hands)',
    fix: 'the share at bravo is gone with that server, and 3 of the servers would have to decide on another in its place: ask its operator for a backup of the old one, or make a new key',
  });
});

test('who forgot is said to need a refresh while one more would end all changes, and that they have ended after it', () => {
  const lines = (changed: Partial<KeyStatus>) =>
    checkForgotten({ keys: [{ ...key, ...changed }] } as unknown as Status);
  expect(lines({ forgot: ['bravo'] })).toEqual([]);
  const remedy = { kind: 'refreshKey', key: 'letters' };
  expect(lines({ forgot: ['bravo'], changeable: 'once' })).toMatchObject([
    { level: 'warn', subject: 'letters on bravo', remedy },
  ]);
  expect(lines({ forgot: ['bravo', 'charlie'], changeable: 'never' })).toMatchObject([
    {
      level: 'fail',
      subject: 'letters on bravo and charlie',
      fix: 'it signs as before: make new shares by the words, or a new key',
    },
  ]);
});

test('a margin that is low by who forgot alone is led to a refresh', () => {
  const all = { replaced: [], reachable: ['alpha', 'bravo', 'charlie'], margin: 1, isMarginLow: false };
  expect(lineOf({ ...all, forgot: ['bravo'], changeable: 'once' })).toMatchObject({
    level: 'warn',
    fix: 'refresh it: bravo decides on no change again before that',
    remedy: { kind: 'refreshKey', key: 'letters' },
  });
});
