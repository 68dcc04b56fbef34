import { expect, test } from 'vitest';
import { forgettingLine, protectionLine } from './change-words.js';

const said = (
  outcome: 'forgot' | 'undone' | 'keeps' | 'silent',
  backupAt: number | null = null,
  backups: number | null = null,
) => ({ server: 'alpha', outcome, backupAt, backups });

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

test('backups that were made in an epoch count until their operator has destroyed them, those of before do not', () => {
  const words = (...backups: (number | null)[]) =>
    forgettingLine({ forgetting: backups.map((count) => said('forgot', 1_800_000_000, count)) });
  expect(words(0)).toBe('alpha says it has ✓');
  expect(words(1)).toBe('alpha says it has, but 1 backup may hold it');
  expect(words(31)).toBe('alpha says it has, but 31 backups may hold it');
  expect(words(null)).toBe('alpha says it has, but its backup of 2027-01-15 may hold it');
  const line = (...backups: number[]) =>
    protectionLine({
      forgetting: backups.map((count) => said('forgot', 1_800_000_000, count)),
      forgettingNeeded: 2,
    });
  expect(line(0, 0, 3)).toBe('2 have, 2 were needed: shares stolen before are worth nothing now');
  expect(line(0, 1, 3)).toBe('it protects only if enough old shares are deleted: 1 of the 2 needed');
});
