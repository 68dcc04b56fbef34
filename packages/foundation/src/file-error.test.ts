import { expect, test } from 'vitest';
import { type CkmError, fromFileSystem, UsageError, withFile } from './index.js';

const failure = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
const codeOf = (errno: string) => (fromFileSystem(failure(errno), '/srv/alpha') as CkmError).code;

test('each thing that a system says about a file has a code of its own, a sentence that names the file, and what to do', () => {
  const said = {
    ENOSPC: 'FILE_NO_ROOM',
    EDQUOT: 'FILE_NO_ROOM',
    EROFS: 'FILE_READ_ONLY',
    EACCES: 'FILE_FORBIDDEN',
    EPERM: 'FILE_FORBIDDEN',
    ENOENT: 'FILE_PLACE_MISSING',
    EISDIR: 'FILE_IN_THE_WAY',
    ENOTDIR: 'FILE_IN_THE_WAY',
    ELOOP: 'FILE_IN_THE_WAY',
    EEXIST: 'FILE_IN_THE_WAY',
    ENAMETOOLONG: 'FILE_NAME_TOO_LONG',
    EMFILE: 'FILES_TOO_MANY',
    ENFILE: 'FILES_TOO_MANY',
    EIO: 'FILE_UNUSABLE',
  };
  expect(Object.fromEntries(Object.keys(said).map((errno) => [errno, codeOf(errno)]))).toEqual(said);
  for (const errno of Object.keys(said)) {
    const { message, hint, errorClass, facts } = fromFileSystem(failure(errno), '/srv/alpha') as CkmError;
    expect({ errorClass, facts }).toEqual({ errorClass: 'StorageError', facts: { errno } });
    expect(message).toContain('/srv/alpha');
    expect(hint.length).toBeGreaterThan(10);
  }
});

test('a path of thousands of letters is shown in part', () => {
  const { message } = fromFileSystem(failure('ENAMETOOLONG'), '/a'.repeat(3_000)) as CkmError;
  expect(message.length).toBeLessThan(300);
});

test('what is not about a file is handed back as it is', () => {
  const ours = new UsageError('no', { code: 'NO', hint: 'say yes' });
  const others = [
    ours,
    'text',
    new Error('plain'),
    failure('ERR_INVALID_ARG_TYPE', { path: '/srv' }),
    failure('EACCES'),
    failure('EPIPE', { syscall: 'write' }),
    failure('ECONNREFUSED', { syscall: 'connect', path: '/srv/control.sock' }),
    failure('ENOENT', { syscall: 'spawn git', path: 'git' }),
  ];
  for (const error of others) expect(fromFileSystem(error)).toBe(error);
  expect(fromFileSystem(failure('EACCES', { syscall: 'open', path: '/srv' }))).toMatchObject({
    code: 'FILE_FORBIDDEN',
  });
  expect(fromFileSystem(failure('ENOSPC', { syscall: 'write' }))).toMatchObject({ code: 'FILE_NO_ROOM' });
});

test('around work with one file, what the system says is thrown in words', () => {
  expect(withFile('/srv/alpha', () => 7)).toBe(7);
  const fails = () =>
    withFile('/srv/alpha', () => {
      throw failure('EROFS');
    });
  expect(fails).toThrow(expect.objectContaining({ code: 'FILE_READ_ONLY' }) as Error);
});
