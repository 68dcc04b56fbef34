import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { toUsageError } from './command-errors.js';

const unknown = (word: string) =>
  new CommanderError(1, 'commander.unknownCommand', `error: unknown command '${word}'`);

test.each([
  [
    'server',
    'doctor',
    'did you mean: ckm doctor (your servers and keys), or ckm server status FOLDER (one you run)',
  ],
  ['key', 'doctor', 'did you mean: ckm doctor'],
  ['key', 'nonsense', 'see: ckm key --help'],
])('ckm %s %s, which there is not, is answered with: %s', (path, word, hint) => {
  expect(toUsageError(unknown(word), path)).toMatchObject({ code: 'COMMAND_UNKNOWN', hint });
});
