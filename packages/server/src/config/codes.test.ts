import { expect, test } from 'vitest';
import { serverUnread } from './codes.js';

test('serverUnread, for a folder that another user owns, does not say that there is no server', () => {
  const codeFor = (code: string) =>
    serverUnread('/var/lib/ckm', Object.assign(new Error(code), { code })).code;
  expect(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR'].map(codeFor)).toEqual([
    'DATA_DIR_UNREADABLE',
    'DATA_DIR_UNREADABLE',
    'CONFIG_MISSING',
    'CONFIG_MISSING',
  ]);
});
