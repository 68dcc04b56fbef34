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
  [
    '',
    'approve',
    'whom a key asks says yes with: ckm approver approve ID; the operator of a server with: ckm server approve FOLDER ID',
  ],
  ['', 'join', expect.stringContaining('ckm approver join FILE')],
  ['', 'recover', expect.stringContaining('ckm account recover SERVER')],
])('ckm %s %s, which there is not, is answered with: %s', (path, word, hint) => {
  expect(toUsageError(unknown(word), path)).toMatchObject({ code: 'COMMAND_UNKNOWN', hint });
});

test.each(['--home', '--json', '--yes', '-y', '-q'])(
  'ckm %s KEY-COMMAND, with a flag that every command takes before the command, is told to put it behind',
  (flag) => {
    const error = new CommanderError(1, 'commander.unknownOption', `error: unknown option '${flag}'`);
    expect(toUsageError(error, '')).toMatchObject({
      code: 'OPTION_UNKNOWN',
      hint: `put ${flag} behind the command, as in: ckm status ${flag}${flag === '--home' ? ' FOLDER' : ''}`,
    });
    expect(toUsageError(error, 'key')).toMatchObject({ hint: expect.stringContaining(`put ${flag} behind`) });
  },
);
