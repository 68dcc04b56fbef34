import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../test/outcome.js';
import { parseSigningCall } from './signing-call.js';

describe('what git asks of its signing program', () => {
  test.each([
    [['-Y', 'sign', '-n', 'git', '-f', 'key.pub', 'buffer']],
    [['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-U', 'buffer']],
    [['-Ysign', '-ngit', '-fkey.pub', '--', 'buffer']],
  ])('%j is a call to sign', (args) => {
    expect(parseSigningCall(args)).toEqual({ keyFile: 'key.pub', namespace: 'git', file: 'buffer' });
  });

  test.each([
    [['-Y', 'verify', '-n', 'git', '-f', 'allowed', '-I', 'alice', '-s', 'buffer.sig']],
    [['-Y', 'find-principals', '-Overify-time=20261121', '-f', 'allowed', '-s', 'buffer.sig']],
    [['-Y', 'check-novalidate', '-n', 'git', '-s', 'buffer.sig']],
  ])('%j is for ssh-keygen', (args) => {
    expect(parseSigningCall(args)).toBeNull();
  });

  test.each([
    ['of nothing, which would make ssh-keygen make a key', []],
    ['for something git never asks', ['-l', '-f', 'key.pub']],
    ['with -Y behind the end of options', ['-f', 'key.pub', '--', '-Y', 'verify']],
    ['without a key', ['-Y', 'sign', '-n', 'git', 'buffer']],
    ['without a namespace', ['-Y', 'sign', '-f', 'key.pub', 'buffer']],
    ['without a file', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub']],
    ['with two files', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', 'buffer', 'other']],
    ['with another hash', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-O', 'hashalg=sha256', 'buffer']],
    ['with an option nobody knows', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-x', 'buffer']],
  ])('a call %s is refused, not guessed', (_what, args) => {
    expect(outcomeOf(() => parseSigningCall(args))).toBe('SIGNING_CALL_INVALID');
  });
});
