import { describe, expect, test } from 'vitest';
import { settingsLoosened, settingsTightened, type TighteningSettings } from './compare-tightening.js';
import { NO_TIGHTENING } from './tightening.js';

const per = (count: number, perSeconds: number) => ({ rateLimit: { count, perSeconds } });

describe('what a change of a policy does', () => {
  const cases: readonly [Partial<TighteningSettings>, Partial<TighteningSettings>, string, string][] = [
    [{}, per(1, 3_600), '', 'rateLimit'],
    [per(1, 3_600), per(100, 3_600), 'rateLimit', ''],
    [per(1, 3_600), {}, 'rateLimit', ''],
    [per(10, 3_600), per(10, 60), 'rateLimit', ''],
    [per(10, 3_600), per(10, 86_400), '', 'rateLimit'],
    // 60 a minute may be 3,600 in an hour, and 59 of them in one second.
    [per(3_600, 3_600), per(60, 60), '', 'rateLimit'],
    // Neither lets through only what the other does.
    [per(1, 3_600), per(10, 86_400), 'rateLimit', ''],
    [{ kinds: ['git'] }, { kinds: ['git', 'ssh'] }, 'kinds', ''],
    [{ kinds: ['git', 'ssh'] }, { kinds: ['ssh'] }, '', 'kinds'],
    [{ kinds: ['git', 'ssh'] }, { kinds: ['ssh', 'git'] }, '', ''],
    [{ kinds: [] }, {}, 'kinds', ''],
    [{ expiresAt: 100 }, { expiresAt: 101 }, 'expiresAt', ''],
    [{ expiresAt: 100 }, { expiresAt: 99 }, '', 'expiresAt'],
    [{ expiresAt: 100 }, {}, 'expiresAt', ''],
    [{ blindAllowed: false }, {}, 'blindAllowed', ''],
    [{ changeDelay: 0 }, { changeDelay: 86_400 }, '', 'changeDelay'],
    [{ changeDelay: 604_800 }, { changeDelay: 86_400 }, 'changeDelay', ''],
    [{ approval: 'operator' }, { ...per(1, 1) }, 'approval', 'rateLimit'],
    [{ approval: 'operator' }, { approval: 'operator' }, '', ''],
  ];

  test.each(cases)('from %o to %o it loosens "%s" and tightens "%s"', (from, to, loosened, tightened) => {
    const [before, after] = [
      { ...NO_TIGHTENING, ...from },
      { ...NO_TIGHTENING, ...to },
    ];
    expect(settingsLoosened(before, after).join()).toBe(loosened);
    expect(settingsTightened(before, after).join()).toBe(tightened);
  });
});
