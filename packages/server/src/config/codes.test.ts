import { expect, test } from 'vitest';
import { serverUnread } from './codes.js';

test('serverUnread, for a folder that another user owns or a disk that fails, does not say that there is no server', () => {
  const codeFor = (code: string) =>
    (serverUnread('/var/lib/ckm', Object.assign(new Error(code), { code })) as { code: string }).code;
  expect(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR'].map(codeFor)).toEqual([
    'DATA_DIR_UNREADABLE',
    'DATA_DIR_UNREADABLE',
    'CONFIG_MISSING',
    'FILE_IN_THE_WAY',
  ]);
});
