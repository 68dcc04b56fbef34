import { expect, test } from 'vitest';
import { COMMAND_TREE } from '../command-tree.js';
import { asCalled, FIRST_WORDS } from './called-as.js';

const inClone = (text: string) => asCalled(text, { CKM_CALLED_AS: './ckm' });

test('asCalled knows every command', () => {
  expect(COMMAND_TREE.commands!.map(({ name }) => name).toSorted()).toEqual(FIRST_WORDS.toSorted());
});

test.each([
  ['next: ckm server start alpha', 'next: ./ckm server start alpha'],
  ['ckm: code: X · ckm explain X', 'ckm: code: X · ./ckm explain X'],
  ['ckm init   (or: ckm seed restore)', './ckm init   (or: ./ckm seed restore)'],
])('in a clone a command is named as it was called: %s', (text, expected) => {
  expect(inClone(text)).toBe(expected);
  expect(asCalled(text, {})).toBe(text);
});

test.each([
  'Sign the message “run ckm sign x”',
  'on any machine with ckm in it',
  './ckm status',
  'ckm signs',
])('asCalled leaves alone what people wrote and what is no command: %s', (text) => {
  expect(inClone(text)).toBe(text);
});

test('a way of calling that a shell would read as more than one word is not repeated', () => {
  expect(asCalled('ckm status', { CKM_CALLED_AS: 'my clone/ckm' })).toBe('ckm status');
});
