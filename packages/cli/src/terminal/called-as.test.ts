import { UsageError } from '@ckm/foundation';
import { expect, test, vi } from 'vitest';
import { COMMAND_TREE } from '../command-tree.js';
import { asCalled, FIRST_WORDS } from './called-as.js';
import { errorLines, errorObject } from './print-error.js';

const inClone = (text: string) => asCalled(text, { CKM_CALLED_AS: './ckm' });

test('asCalled knows every command, and help; what completion prints is about ckm in the PATH', () => {
  const names = COMMAND_TREE.commands!.map(({ name }) => name).filter((name) => name !== 'completion');
  expect([...names, 'help'].toSorted()).toEqual(FIRST_WORDS.toSorted());
});

test.each([
  ['next: ckm server start alpha', 'next: ./ckm server start alpha'],
  ['ckm: code: X · ckm explain X', 'ckm: code: X · ./ckm explain X'],
  ['ckm init   (or: ckm seed restore)', './ckm init   (or: ./ckm seed restore)'],
  ['choose one from: ckm --help', 'choose one from: ./ckm --help'],
  ['else the kind of error: ckm help exit', 'else the kind of error: ./ckm help exit'],
  ['Usage: ckm [options] [command]', 'Usage: ./ckm [options] [command]'],
  ['Try them: ckm\n  seed verify', 'Try them: ./ckm\n  seed verify'],
  ['\u001b[31mckm doctor\u001b[0m', '\u001b[31m./ckm doctor\u001b[0m'],
  ['not “ckm x” but: ckm doctor', 'not “ckm x” but: ./ckm doctor'],
])('in a clone a command is named as it was called: %s', (text, expected) => {
  expect(inClone(text)).toBe(expected);
  expect(asCalled(text, {})).toBe(text);
});

test.each([
  'Sign the message “run ckm sign x”',
  'Sign the message “a quote \\” and ckm sign x”',
  'Sign the message “on two\nlines: ckm sign x”',
  'A long message, cut: “ckm lock, then ckm sign x…',
  'this is not a name for a key: "ckm key"',
  'bash   source <(ckm completion bash)',
  'on any machine with ckm in it',
  './ckm status',
  'ckm signs',
])('asCalled leaves alone what people wrote and what is no command: %s', (text) => {
  expect(inClone(text)).toBe(text);
});

test('a way of calling that a shell would read as more than one word is not repeated', () => {
  expect(asCalled('ckm status', { CKM_CALLED_AS: 'my clone/ckm' })).toBe('ckm status');
});

test('an error names commands as it was called in all its lines, and keeps the words of whoever reads JSON', () => {
  const error = new UsageError('nobody can be asked: same as they see (ckm server keys FOLDER)?', {
    code: 'INPUT_NEEDED',
    hint: 'say it with --answer, or see: ckm --help',
  });
  vi.stubEnv('CKM_CALLED_AS', './ckm');
  expect(errorLines(error).split('\n')).toEqual([
    'ckm: error: nobody can be asked: same as they see (./ckm server keys FOLDER)?',
    'ckm: hint: say it with --answer, or see: ./ckm --help',
    'ckm: code: INPUT_NEEDED · ./ckm explain INPUT_NEEDED',
  ]);
  expect(JSON.stringify(errorObject(error))).not.toContain('./ckm');
  vi.unstubAllEnvs();
});
