import { expect, test } from 'vitest';
import type { KeyRecord } from '../keys/key-record.js';
import { checkUnguarded } from './check-unguarded.js';

const key = (name: string, policy: Partial<KeyRecord['policy']>) => ({ name, policy }) as KeyRecord;

test('a key with neither operator nor delay is named; one with either of them, with votes, or with what is usual is not', () => {
  const keys = [
    key('usual', {}),
    key('asks', { changes: 'operator', changeDelay: 0 }),
    key('waits', { changes: 'automatic' }),
    key('waits-long', { changes: 'automatic', changeDelay: 604_800 }),
    key('votes', {
      changes: 'automatic',
      changeDelay: 0,
      change: { needed: 1, of: [], delaySeconds: 0, words: 86_400 },
    } as Partial<KeyRecord['policy']>),
    key('open', { changes: 'automatic', changeDelay: 0 }),
  ];
  expect(checkUnguarded(keys).map(({ level, subject }) => [level, subject])).toEqual([['warn', 'open']]);
});
