import type { ChangePlan } from '@ckm/client';
import { describe, expect, test } from 'vitest';
import { forgettingLine, planLines, protectionLine } from './change-words.js';

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

test('before a change of a key with recovery static nobody is promised that what was stolen before is worth nothing', () => {
  const three = ['alpha', 'bravo', 'charlie'].map((name) => ({ name }));
  const quorum = { needed: 2, of: 3 };
  const plan = {
    order: { quorum },
    next: three,
    old: quorum,
    leaving: [],
    joining: [],
    deciding: 2,
    byWords: null,
    rules: null,
  };
  const lines = (recovery: 'epoch' | 'static') =>
    planLines('letters', { ...plan, kind: 'refresh', strict: false, recovery } as unknown as ChangePlan);
  expect(lines('epoch')).toContain('is worth nothing once 2 of these 3 have');
  expect(lines('static')).not.toContain('worth nothing');
  expect(lines('static')).toContain('with recovery static each makes its own again out of its identity file');
});

describe('who has to be there to decide', () => {
  const servers = (names: readonly string[]) => names.map((name) => ({ name }));
  const replacing = (of: readonly string[], needed: number, deciding: number, strict: boolean) => {
    const next = servers(['delta', ...of.slice(1)]);
    const plan = {
      kind: 'replace-server',
      order: { quorum: { needed, of: of.length } },
      next,
      old: { needed, of: of.length },
      leaving: servers(of.slice(0, 1)),
      joining: ['delta'],
      deciding,
      strict,
      byWords: null,
      rules: null,
    } as unknown as ChangePlan;
    return planLines('letters', plan);
  };
  const THREE = ['alpha', 'bravo', 'charlie'];

  test('is said where it is more than those that stay, and of a server that leaves whether it need be there', () => {
    const usual = replacing(THREE, 2, 2, false);
    expect(usual).toContain('alpha need not be there');
    expect(usual).not.toMatch(/Decide|Later/);
    const all = replacing(THREE.slice(0, 2), 2, 2, false);
    expect(all).toContain('alpha has to be there all the same, to decide');
    expect(all).toMatch(/Decide +all of bravo, alpha: with fewer of them there, nothing changes/);
  });

  test('L1: is all of them where a key of 2 of 3 was made strict, now and later', () => {
    const strict = replacing(THREE, 2, 3, true);
    expect(strict).toContain('alpha has to be there all the same, to decide');
    expect(strict).toMatch(
      /Decide +all of bravo, charlie, alpha, because the key was made strict: with fewer/,
    );
    expect(strict).toMatch(/Later changes +take 3 of these 3, though 2 sign/);
  });
});
