import { expect, test } from 'vitest';
import { checkMargins } from './check-keys.js';
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
  stopped: [],
  frozen: [],
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

test('L14: where all of a strict key have to decide nobody is sent to replace one that is gone', () => {
  const line = lineOf({ changes: { needed: 3, margin: -1, isLow: false } });
  expect(line).toEqual({
    level: 'warn',
    subject: 'letters',
    text: 'none may fail; cannot change hands: that takes 3: 2 of 3 servers answer, 2 are needed (3 to change hands)',
    fix: 'the share at bravo is gone with that server, and 3 of the servers would have to decide on another in its place: ask its operator for a backup of the old one, or make a new key',
  });
});
