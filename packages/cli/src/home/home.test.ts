import { userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../test/outcome.js';
import { assertSocketsFit, locateHome } from './home.js';

const pathOf = (environment: NodeJS.ProcessEnv, flag?: string) => locateHome(flag, environment).path;

describe('where the owner’s folder is', () => {
  test('--home comes before CKM_HOME, and that before HOME', () => {
    expect(pathOf({ CKM_HOME: '/b', HOME: '/c' }, '/a')).toBe('/a');
    expect(pathOf({ CKM_HOME: '/b', HOME: '/c' })).toBe('/b');
    expect(pathOf({ CKM_HOME: '', HOME: '/c' })).toBe('/c/.ckm');
  });

  test.each([[''], ['home'], [undefined]])(
    'HOME=%s names no folder, and never the one in which the command runs',
    (HOME) => {
      expect(pathOf(HOME === undefined ? {} : { HOME })).toBe(`${userInfo().homedir}/.ckm`);
    },
  );

  test('a path too long for the longest socket in it is refused, the longest that fits is not', () => {
    const most = 107 - '/unlocked.sock'.length;
    const homeOf = (length: number) => locateHome(`/${'x'.repeat(length - 1)}`, {});
    expect(outcomeOf(() => assertSocketsFit(homeOf(most)))).toBeUndefined();
    expect(outcomeOf(() => assertSocketsFit(homeOf(most + 1)))).toBe('HOME_TOO_LONG');
  });
});
