import { Command } from 'commander';
import { expect, test } from 'vitest';
import { fillIn } from '../terminal/remedy-words.js';
import { typedWords } from './typed-words.js';

function typed(args: readonly string[]): Readonly<Record<string, string>> {
  const command = new Command('show').argument('<folder>').argument('[key]').option('--psbt <file>');
  command.parse([...args], { from: 'user' });
  return typedWords(command);
}

test.each([
  [['srv/alpha'], 'ckm server start srv/alpha'],
  [['my servers/alpha'], "ckm server start 'my servers/alpha'"],
  [['it’s'], "ckm server start 'it’s'"],
  [["it's; rm x"], "ckm server start 'it'\\''s; rm x'"],
])('a hint names the folder that was typed, so that it runs when it is copied: %j', (args, expected) => {
  expect(fillIn('ckm server start FOLDER', typed(args))).toBe(expected);
});

test('what was not typed is left for its reader to fill in', () => {
  const words = typed(['alpha', '--psbt', 'pay.psbt']);
  expect(fillIn('ckm sign KEY --psbt PSBT --out FILE', words)).toBe(
    'ckm sign KEY --psbt pay.psbt --out FILE',
  );
});
