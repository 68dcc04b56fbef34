import { expect, test } from 'vitest';
import { strictLines } from './strict-words.js';

const NO_MORE = 'that is no more than without: it counts once the key has other servers or another quorum';
const back = (count: number) =>
  `once ${count} of them were put back from backups, or repaired, with no refresh between, nothing changes them any more: each waits for all the others; refresh after the first`;
const THEN = 'are left';

test.each([
  [
    { needed: 2, of: 3 },
    [
      'all 3 servers decide on each change of them and each refresh: one that lies cannot fork the key; fixed for ever',
      `once one of the 3 is gone for good, nothing but the words changes them any more (--by-words): the key signs on while 2 ${THEN}`,
      back(2),
    ],
  ],
  [
    { needed: 3, of: 5 },
    [
      '4 of the 5 servers decide on each change of them and each refresh: 2 that lie cannot fork the key; fixed for ever',
      `once 2 of the 5 are gone for good, nothing but the words changes them any more (--by-words): the key signs on while 3 ${THEN}`,
      back(2),
    ],
  ],
  [
    { needed: 2, of: 4 },
    [
      '3 of the 4 servers decide on each change of them and each refresh: one that lies cannot fork the key; fixed for ever',
      `once 2 of the 4 are gone for good, nothing but the words changes them any more (--by-words): the key signs on while 2 ${THEN}`,
      back(2),
      `with 2 of 4 ${NO_MORE}`,
    ],
  ],
  [
    { needed: 3, of: 3 },
    [
      'all 3 servers decide on each change of them and each refresh: 2 that lie cannot fork the key; fixed for ever',
      back(2),
      `with 3 of 3 ${NO_MORE}`,
    ],
  ],
])(
  'L14: of a strict key of $needed of $of it is said what it keeps off, and what a dead server costs',
  (quorum, lines) => {
    expect(strictLines(quorum)).toEqual(lines);
  },
);
