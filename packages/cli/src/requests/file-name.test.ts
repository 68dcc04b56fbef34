import { expect, test } from 'vitest';
import { fileNameOf } from './file-name.js';

test.each([
  ['report.pdf', 'report.pdf'],
  ['/home/alice/taxes 2026/report.pdf', 'report.pdf'],
  ['../re\u202eport\n.pdf', 're\u202eport\n.pdf'],
  ['-', undefined],
  ['./-', '-'],
  ['/dev/stdin', undefined],
  ['/dev/fd/63', undefined],
  ['/proc/self/fd/0', undefined],
  ['/dev/shm/report.pdf', 'report.pdf'],
  [undefined, undefined],
])('what is read from %j is called %j', (path, name) => {
  expect(fileNameOf(path)).toBe(name);
});
