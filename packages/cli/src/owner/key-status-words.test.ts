import type { KeyStatus } from '@ckm/client';
import { expect, test } from 'vitest';
import type { Terminal } from '../terminal/terminal.js';
import { pastLines } from './key-status-words.js';

const terminal = { style: (_: string, text: string) => text } as Terminal;
const key = {
  name: 'letters',
  epoch: 3,
  createdAt: 0,
  changedAt: 86_400,
  forgetting: [{ server: 'alpha', outcome: 'forgot', backupAt: null }],
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
