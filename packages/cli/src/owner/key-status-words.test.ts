import type { KeyStatus } from '@ckm/client';
import { expect, test } from 'vitest';
import type { Terminal } from '../terminal/terminal.js';
import { keyRow, pastLines } from './key-status-words.js';

const terminal = { style: (_: string, text: string) => text } as Terminal;
const key = {
  name: 'letters',
  epoch: 3,
  createdAt: 0,
  changedAt: 86_400,
  forgetting: [{ server: 'alpha', outcome: 'forgot', backupAt: null, backups: 0 }],
  oldShares: [
    { epoch: 0, servers: ['charlie'] },
    { epoch: 1, servers: ['alpha', 'bravo'] },
  ],
  drills: { lastAt: null, server: null, failed: null, open: null, dueAt: null, isOverdue: false },
  checks: { lastAt: null, unproved: [], dueAt: null, isOverdue: false },
} as unknown as KeyStatus;

test('old shares of all epochs that nobody has said to be gone stand in one line', () => {
  expect(pastLines(terminal, key, 86_400).slice(1)).toEqual([
    'told to destroy their old shares: alpha says it has ✓',
    'older shares that nobody has said to be gone: epoch 0 of charlie; epoch 1 of alpha, bravo',
  ]);
  expect(pastLines(terminal, { ...key, oldShares: [] }, 86_400)).toHaveLength(2);
});

const whole = {
  ...key,
  purpose: 'message',
  quorum: { needed: 2, of: 4 },
  id: '00000000',
  reachable: ['alpha', 'bravo', 'charlie', 'delta'],
  unproved: [],
  absent: [],
  replaced: [],
  lost: [],
  behind: [],
  stopped: [],
  frozen: [],
  heirs: [],
  strangeRepairs: [],
  elsewhere: [],
  forked: [],
  settlements: [],
  terms: { version: 0, asks: [] },
  orders: [],
  exports: { goesOn: [], given: [] },
  margin: 2,
  isMarginLow: false,
  changes: { needed: 3, margin: 1, isLow: false },
  decided: null,
  remedy: null,
  isExpired: false,
  comparison: { outcome: 'same', at: 0 },
} as unknown as KeyStatus;
const row = (changed: Partial<KeyStatus>) => keyRow(terminal, { ...whole, ...changed }).slice(3);

test('terms are said where they ask people, or were changed', () => {
  const said = (version: number, asks: readonly string[]) => row({ terms: { version, asks } }).at(-1);
  expect(said(0, ['alice', 'bob'])).toBe('terms 0, which may ask alice, bob: ckm terms show letters');
  expect(said(2, [])).toBe('terms 2: ckm terms show letters');
});

test('how many may fail is said for signatures, and for changes where those take more', () => {
  expect(row({})).toEqual(['all 4 answer', '2 servers may fail; 1 may fail and it still changes hands']);
});

test('who did not prove its share is not said to be missing, and what shows that it has it is named', () => {
  const less = { reachable: ['alpha', 'bravo', 'charlie'], margin: 1, unproved: ['delta'] };
  expect(row({ ...less, changes: { needed: 3, margin: 0, isLow: true } })).toEqual([
    '3 sign',
    '1 server may fail; none may fail and it still changes hands',
    'not counted, by the last check of its share: delta: ckm key check letters',
  ]);
});

test('a change that is decided and not entered everywhere is said', () => {
  expect(row({ decided: { epoch: 4, servers: ['alpha', 'bravo'] } }).slice(2)).toEqual([
    'epoch 4 is decided, alpha, bravo in epoch 3 still: ckm key verify letters',
  ]);
});

test('an epoch that began before the key was fetched has the date of that', () => {
  const [line] = pastLines(terminal, { ...key, changedAt: null, heldSince: 172_800 }, 172_800);
  expect(line).toMatch(/^epoch 3 since before 1970-01-03/);
});

test('a fork is named with the one command that leads out of it, and an order about it with the one that takes it back', () => {
  const order = { servers: ['alpha'] } as unknown as KeyStatus['settlements'][number];
  expect(row({ forked: ['alpha', 'bravo'], settlements: [order] }).slice(2)).toEqual([
    'answers nothing at alpha, bravo, two certificates of one epoch hold: ckm key settle letters',
    'an order about which counts waits at alpha; if no device of yours gave it: ckm key settle letters --cancel',
  ]);
});

test('a key that is frozen and forked is not called stopped while a server by another certificate is not frozen', () => {
  const frozen = ['alpha', 'bravo', 'charlie'].map((server) => ({ server, until: 0, thawAskedAt: null }));
  const at = (isFrozen: boolean) => [{ server: 'echo', epoch: 3, isFrozen }];
  expect(row({ frozen, elsewhere: at(false) }).at(-1)).toBe(
    'may NOT be stopped, not frozen at echo, by another certificate: ckm freeze letters',
  );
  expect(row({ frozen, elsewhere: at(true) }).at(-1)).toMatch(/^it is forked, .* ckm freeze letters$/);
  expect(row({ elsewhere: at(false) })).toContain(
    'by another certificate of an epoch at echo: ckm key settle letters',
  );
});

test('who came back in this epoch is named while one more would end all changes, with the refresh; after that it is said that they have ended', () => {
  const once = { quorum: { needed: 2, of: 3 }, reachable: ['alpha', 'bravo', 'charlie'], margin: 1 };
  const changes = { needed: 2, margin: 0, isLow: true };
  expect(row({ ...once, changes, forgot: ['bravo'], changeable: 'once' }).slice(1)).toEqual([
    '1 server may fail; none may fail and it still changes hands',
    'bravo came back in this epoch, and one more ends all changes of its servers: ckm key refresh letters',
  ]);
  const never = {
    changes: { ...changes, margin: -1 },
    forgot: ['bravo', 'charlie'],
    changeable: 'never',
  } as const;
  expect(row({ ...once, ...never }).slice(1)).toEqual([
    '1 server may fail; cannot change hands: that takes 2 that have not forgotten',
    'nothing changes its servers or shares any more: bravo, charlie forgot in this epoch what was said',
  ]);
});
