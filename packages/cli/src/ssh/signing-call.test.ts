import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../test/outcome.js';
import { parseSigningCall } from './signing-call.js';

describe('what git asks of its signing program', () => {
  test.each([
    [['-Y', 'sign', '-n', 'git', '-f', 'key.pub', 'buffer']],
    [['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-U', 'buffer']],
    [['-Ysign', '-ngit', '-fkey.pub', '--', 'buffer']],
    [['-q', '-vUY', 'sign', '-ngit', '-Uf', 'key.pub', 'buffer']],
  ])('%j is a call to sign', (args) => {
    expect(parseSigningCall(args)).toEqual({
      keyFile: 'key.pub',
      namespace: 'git',
      hash: 'sha512',
      files: ['buffer'],
    });
  });

  test.each([
    ['without a file, as jj calls', ['-Y', 'sign', '-f', 'key.pub', '-n', 'git'], ['-']],
    ['with the file -', ['-Y', 'sign', '-f', 'key.pub', '-n', 'git', '-'], ['-']],
    ['with - behind the end of options', ['-Y', 'sign', '-f', 'key.pub', '-n', 'git', '--', '-'], ['-']],
    ['with a file that begins with -', ['-Y', 'sign', '-f', 'key.pub', '-n', 'git', '--', '-w'], ['-w']],
    ['with two files', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', 'one', 'other'], ['one', 'other']],
  ])('a call %s is one to sign', (_what, args, files) => {
    expect(parseSigningCall(args)?.files).toEqual(files);
  });

  test('the hash that ssh-keygen would take is taken, except where git knows only one', () => {
    const hashOf = (namespace: string, hash: string) =>
      parseSigningCall(['-Y', 'sign', '-n', namespace, '-f', 'k', '-O', `hashalg=${hash}`])?.hash;
    expect([hashOf('git', 'sha512'), hashOf('file', 'sha512'), hashOf('file', 'sha256')]).toEqual([
      'sha512',
      'sha512',
      'sha256',
    ]);
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
    ['with stdin twice', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-', '-']],
    ['with another hash', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-O', 'hashalg=sha256', 'buffer']],
    ['with an option nobody knows', ['-Y', 'sign', '-n', 'git', '-f', 'key.pub', '-x', 'buffer']],
    ['with the value of an option missing', ['-Y', 'sign', '-f', 'key.pub', '-n']],
    ['with two namespaces', ['-Y', 'sign', '-n', 'file', '-n', 'git', '-f', 'key.pub', 'buffer']],
    ['with one file twice', ['-Y', 'sign', '-n', 'file', '-f', 'key.pub', 'buffer', 'buffer']],
    ['with an option behind a file', ['-Y', 'sign', '-n', 'file', '-f', 'key.pub', 'buffer', '-U']],
    ['with a long option', ['-Y', 'sign', '-n', 'file', '-f', 'key.pub', '--armor', 'buffer']],
  ])('a call %s is refused, not guessed', (_what, args) => {
    expect(outcomeOf(() => parseSigningCall(args))).toBe('SIGNING_CALL_INVALID');
  });

  test.each([
    ['-w', 'provider'],
    ['-t', 'ed25519'],
    ['-x', null],
  ])(
    'the option %s of ssh-keygen, and its value, is refused by its name wherever it stands',
    (option, value) => {
      const words = value === null ? [option] : [option, value];
      const call = ['-Y', 'sign', '-n', 'file', '-f', 'key.pub'];
      for (const args of [
        [...words, ...call, 'buffer'],
        [...call, ...words, 'buffer'],
      ])
        expect(() => parseSigningCall(args)).toThrow(`the option ${option} is none to sign with`);
    },
  );
});
