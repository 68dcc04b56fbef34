import { UsageError } from '@ckm/foundation';
import type { CommanderError } from 'commander';
import type { CliCode } from './codes.js';

const CODES: Readonly<Record<string, CliCode>> = {
  'commander.unknownCommand': 'COMMAND_UNKNOWN',
  'commander.unknownOption': 'OPTION_UNKNOWN',
  'commander.missingArgument': 'ARGUMENT_MISSING',
  'commander.excessArguments': 'ARGUMENT_UNEXPECTED',
  'commander.optionMissingArgument': 'OPTION_INVALID',
  'commander.missingMandatoryOptionValue': 'OPTION_INVALID',
  'commander.conflictingOption': 'OPTION_INVALID',
  'commander.invalidArgument': 'OPTION_INVALID',
};

/** Whether a parser's exit was an answer (`--help`, `--version`) and not a refusal. */
export function isAnswer(error: CommanderError): boolean {
  return error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
}

/** The command line could not be understood: one line what, one line how. */
export function toUsageError(error: CommanderError, path: string): UsageError {
  // Commander puts its suggestion on a second line: "(Did you mean show?)".
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.*?)\?\)?$/.exec(suggestion ?? '')?.[1];
  const help = `ckm${path === '' ? '' : ` ${path}`} --help`;
  if (error.code === 'commander.help') {
    return new UsageError(`ckm${path === '' ? '' : ` ${path}`} needs a command`, {
      code: 'COMMAND_UNKNOWN',
      hint: `choose one from: ${help}`,
    });
  }
  return new UsageError(what === '' ? 'the command line cannot be understood' : what, {
    code: CODES[error.code] ?? 'OPTION_INVALID',
    hint: meant === undefined ? `see: ${help}` : `did you mean ${meant}? see: ${help}`,
  });
}
