import { expect, test } from 'vitest';
import { foldLines } from './fold-lines.js';
import { wrapLines } from './wrap-text.js';

test('foldLines breaks a long line between words, and puts the rest under the second column', () => {
  const row = '  op1      does not answer  SERVER_UNREACHABLE  http://127.0.0.1:7404/somewhere';
  expect(foldLines(row, 44)).toBe(
    [
      '  op1      does not answer',
      '           SERVER_UNREACHABLE',
      '           http://127.0.0.1:7404/somewhere',
    ].join('\n'),
  );
  expect(foldLines('ckm: hint: start it again, and then look at what it says', 30)).toBe(
    ['ckm: hint: start it again, and', '    then look at what it says'].join('\n'),
  );
});

test.each([
  ['expires 2026-12-07 12:44 UTC (in 7 d): bob, invoice 17', '(in 7 d):'],
  ['its delay is over 2026-12-07 12:44 UTC (40 min ago)', '(40 min ago)'],
  ['changes of servers with the yes of every operator, after 24 h', '24 h'],
  ['answers in 12 ms, and its clock is right', '12 ms,'],
  ['restored desk: 1 account, 8 entries of its log, 10.0 KB, to /home', '10.0 KB,'],
])('no line is broken between a time or size and its unit: %s', (line, whole) => {
  for (let columns = 12; columns < line.length; columns++) {
    expect(
      foldLines(line, columns)
        .split('\n')
        .some((part) => part.includes(whole)),
    ).toBe(true);
    expect(wrapLines(line, columns).some((part) => part.includes(whole))).toBe(true);
    expect(wrapLines(line, columns).join(' ')).toBe(line);
  }
});

test('foldLines never breaks within a word: a signature or an address can be copied whole', () => {
  const signature = 'c8'.repeat(64);
  expect(foldLines(`${signature}\n`, 60)).toBe(`${signature}\n`);
  expect(foldLines(`  signed  ${signature}`, 60).split('\n').at(-1)).toContain(signature);
});

test('foldLines moves a word out as far as it needs, rather than let the terminal break it', () => {
  const likeness = 'alter-someone-promote-volcano-inmate-rhythm';
  expect(foldLines(`  added charlie   ${likeness}   0123`, 60).split('\n')).toEqual([
    '  added charlie',
    `${' '.repeat(17)}${likeness}`,
    `${' '.repeat(18)}0123`,
  ]);
  expect(foldLines(`  signed  ${'c8'.repeat(64)}`, 60)).toBe(`  signed\n${' '.repeat(10)}${'c8'.repeat(64)}`);
});

test('foldLines counts no columns for colours, and leaves what goes to a file as it is', () => {
  const line = `\u001b[31m${'word '.repeat(11)}word\u001b[0m`;
  expect(foldLines(line, 60)).toBe(line);
  expect(foldLines('word '.repeat(40), undefined)).toBe('word '.repeat(40));
});
