import { encodeUtf8, secret } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { COMMON_TOTP, stepOfTotp, totpOf, type TotpSettings } from './totp.js';

const DIGITS = '1234567890'.repeat(7);
const keyOf = (length: number) => secret(encodeUtf8(DIGITS.slice(0, length)));
const key = keyOf(20);

describe('a code of an authenticator app', () => {
  test('is that of RFC 4226, appendix D', () => {
    const codes = Array.from({ length: 10 }, (_, step) => totpOf(key, step, COMMON_TOTP));
    expect(codes.join(' ')).toBe('755224 287082 359152 969429 338314 254676 287922 162583 399871 520489');
  });

  test.each([
    [59, '94287082', '46119246', '90693936'],
    [1_111_111_109, '07081804', '68084774', '25091201'],
    [1_111_111_111, '14050471', '67062674', '99943326'],
    [1_234_567_890, '89005924', '91819424', '93441116'],
    [2_000_000_000, '69279037', '90698825', '38618901'],
    [20_000_000_000, '65353130', '77737706', '47863826'],
  ])('at %i is that of RFC 6238, appendix B', (now, ...codes) => {
    const hashes = [
      ['SHA-1', 20],
      ['SHA-256', 32],
      ['SHA-512', 64],
    ] as const;
    for (const [i, [algorithm, length]] of hashes.entries()) {
      const settings: TotpSettings = { algorithm, digits: 8, period: 30 };
      expect(totpOf(keyOf(length), Math.floor(now / 30), settings)).toBe(codes[i]);
      expect(stepOfTotp(keyOf(length), codes[i]!, now, null, settings)).toBe(Math.floor(now / 30));
    }
  });

  test('in steps beyond 32 bits is another one', () => {
    expect(totpOf(key, 2 ** 32 + 1, COMMON_TOTP)).not.toBe(totpOf(key, 1, COMMON_TOTP));
  });
});

describe('taking a code', () => {
  const now = 1_790_000_015;
  const step = Math.floor(now / 30);
  const codeAt = (at: number) => totpOf(key, at, COMMON_TOTP);

  test('takes those of the moment and of one step before and behind, and no other', () => {
    for (const near of [-1, 0, 1]) expect(stepOfTotp(key, codeAt(step + near), now, null)).toBe(step + near);
    for (const far of [-2, 2, 100]) expect(stepOfTotp(key, codeAt(step + far), now, null)).toBeNull();
    expect(stepOfTotp(key, codeAt(0), 5, null)).toBe(0);
  });

  test('takes each of them once, and none that is older than one that was taken', () => {
    const last = stepOfTotp(key, codeAt(step), now, null)!;
    expect(stepOfTotp(key, codeAt(step), now, last)).toBeNull();
    expect(stepOfTotp(key, codeAt(step - 1), now, last)).toBeNull();
    expect(stepOfTotp(key, codeAt(step + 1), now, last)).toBe(step + 1);
    expect(stepOfTotp(key, codeAt(step), now + 29, step - 1)).toBe(step);
  });

  test.each([
    '',
    '1',
    ' 755224',
    '755224 ',
    '75522',
    '7552240',
    '75522٤',
    '-55224',
    '7.5e22',
    '\ud800',
    'x'.repeat(9),
  ])('takes no %j', (code) => {
    expect(stepOfTotp(key, code, 5, null)).toBeNull();
  });

  test('is for one key, one hash and one length', () => {
    const other = secret(encodeUtf8(DIGITS.slice(1, 21)));
    expect(stepOfTotp(other, codeAt(step), now, null)).toBeNull();
    expect(stepOfTotp(key, codeAt(step), now, null, { ...COMMON_TOTP, algorithm: 'SHA-256' })).toBeNull();
    expect(stepOfTotp(key, codeAt(step), now, null, { ...COMMON_TOTP, digits: 8 })).toBeNull();
    expect(stepOfTotp(key, codeAt(step), now, null, { ...COMMON_TOTP, period: 60 })).toBeNull();
  });
});
