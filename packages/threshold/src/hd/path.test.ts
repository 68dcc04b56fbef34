import { describe, expect, test } from 'vitest';
import { assertPath, formatPath, parsePath } from './path.js';

const withCode = (code: string) => expect.objectContaining({ code });

describe('a derivation path', () => {
  test.each([
    ['m', []],
    ['m/0', [0]],
    ['m/0/5', [0, 5]],
    ['m/2147483647/1', [2147483647, 1]],
    ['m/1/2/3/4/5/6/7/8', [1, 2, 3, 4, 5, 6, 7, 8]],
  ])('reads %s and writes it again', (text, path) => {
    expect(parsePath(text)).toEqual(path);
    expect(formatPath(path)).toBe(text);
  });

  test.each(["m/0'", 'm/84h/0', 'm/0/5H', 'm/2147483648', 'm/4294967295'])(
    'refuses the hardened %s, with a hint',
    (text) => {
      expect(() => parsePath(text)).toThrow(withCode('PATH_HARDENED'));
      expect(() => parsePath(text)).toThrow(
        expect.objectContaining({ hint: expect.stringContaining('another key') }),
      );
    },
  );

  test.each([
    '',
    'M',
    'm/',
    '/0',
    '0/5',
    'm//5',
    'm/-1',
    'm/+1',
    'm/1.5',
    'm/1e3',
    'm/0x10',
    'm/01',
    'm/00',
    'm/ 1',
    'm/1 ',
    'm/a',
    'm/*',
    "m/'",
    'm/1/2/3/4/5/6/7/8/9',
    'm/99999999999',
    `m/${'1'.repeat(400)}`,
    'm/٣',
    'm/__proto__',
  ])('refuses %j', (text) => {
    expect(() => parsePath(text)).toThrow(withCode('PATH_INVALID'));
  });

  test.each([
    ['no text', undefined as unknown as string],
    ['a list', ['m'] as unknown as string],
    ['a number', 0 as unknown as string],
  ])('refuses %s for a text', (_, value) => {
    expect(() => parsePath(value)).toThrow(withCode('PATH_INVALID'));
  });

  test.each([
    ['a text', 'm/0', 'PATH_INVALID'],
    ['nothing', null, 'PATH_INVALID'],
    ['a hole', Object.assign([], { length: 1 }), 'PATH_INVALID'],
    ['a text inside', ['0'], 'PATH_INVALID'],
    ['a bigint inside', [0n], 'PATH_INVALID'],
    ['minus one', [-1], 'PATH_INVALID'],
    ['a fraction', [0.5], 'PATH_INVALID'],
    ['NaN', [Number.NaN], 'PATH_INVALID'],
    ['nine levels', [0, 0, 0, 0, 0, 0, 0, 0, 0], 'PATH_INVALID'],
    ['a hardened index', [0x80000000], 'PATH_HARDENED'],
    ['infinity', [Number.POSITIVE_INFINITY], 'PATH_INVALID'],
  ])('as numbers refuses %s', (_, value, code) => {
    expect(() => assertPath(value)).toThrow(withCode(code));
  });

  test('is a copy that nobody can change', () => {
    const given = [0, 1];
    const path = assertPath(given);
    given[0] = 9;
    expect(path).toEqual([0, 1]);
    expect(Object.isFrozen(path)).toBe(true);
  });
});
