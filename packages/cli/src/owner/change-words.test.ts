import { expect, test } from 'vitest';
import { protectionLine } from './change-words.js';

const said = (outcome: 'forgot' | 'undone' | 'keeps' | 'silent', backupAt: number | null = null) => ({
  server: 'alpha',
  outcome,
  backupAt,
});

test('a change protects once so many old shares are gone that the others are no quorum, and a share in a backup is not gone', () => {
  const line = (...forgetting: ReturnType<typeof said>[]) =>
    protectionLine({ forgetting, forgettingNeeded: 2 });
  expect(line(said('forgot'), said('forgot'), said('silent'))).toBe(
    '2 have, 2 were needed: shares stolen before are worth nothing now',
  );
  const only = 'it protects only if enough old shares are deleted: 1 of the 2 needed';
  expect(line(said('forgot'), said('silent'), said('silent'))).toBe(only);
  expect(line(said('forgot'), said('keeps'), said('undone'))).toBe(only);
  expect(line(said('forgot'), said('forgot', 1_800_000_000), said('keeps'))).toBe(only);
});
