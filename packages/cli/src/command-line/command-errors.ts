import { UsageError } from '@ckm/foundation';
import type { CommanderError } from 'commander';
import type { CliCode } from './codes.js';
import { globalOptions } from './globals.js';

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

/** What people type for commands that are called otherwise, or that there are none of, and why. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  version: 'did you mean: ckm --version',
  resume:
    'did you mean: ckm requests resume (a signature), or ckm sessions resume (a key being made or changed)',
  cancel:
    'did you mean: ckm requests cancel (a signature), or ckm sessions cancel (a key being made or changed)',
  approve:
    'whom a key asks says yes with: ckm approver approve ID; the operator of a server with: ckm server approve FOLDER ID',
  reject:
    'whom a key asks says no with: ckm approver reject ID; the operator of a server with: ckm server reject FOLDER ID',
  invite:
    'to ask somebody for a yes: ckm approver invite KEY NAME --out FILE; to let somebody open an account: ckm server invite create FOLDER',
  join: 'as somebody who is asked: ckm approver join FILE --out ANSWER; as another device of yours: ckm device join --offer-out FILE',
  recover: 'did you mean: ckm account recover SERVER (by contacts), or ckm seed restore (by the words)',
  backup: 'did you mean: ckm seed backup, or ckm sheet',
  restore: 'did you mean: ckm seed restore, or ckm key restore',
  export:
    'what is public is printed by: ckm sheet; a key that was made exportable is taken out with: ckm key export NAME',
  agent: 'did you mean: ckm ssh-agent',
  'key delete': 'servers keep their shares; to take a key off your records: ckm key forget NAME',
  'key remove': 'servers keep their shares; to take a key off your records: ckm key forget NAME',
  'key policy':
    'the policy of a key is certified with it: see it with ckm key show NAME; for another one make another key',
  'key address': 'did you mean: ckm address',
  'server delete': 'did you mean: ckm server remove',
  'server forget': 'did you mean: ckm server remove',
  qr: 'did you mean: ckm address KEY --qr, ckm sheet --html, or for what an approver writes: --qr-out FILE',
  logs: 'a server logs on stderr (journalctl -u ckm); what it did: ckm server audit show FOLDER',
  'server logs': 'a server logs on stderr (journalctl -u ckm); what it did: ckm server audit show FOLDER',
  'server log': 'a server logs on stderr (journalctl -u ckm); what it did: ckm server audit show FOLDER',
  'server doctor':
    'did you mean: ckm doctor (your servers and keys), or ckm server status FOLDER (one you run)',
  'key doctor': 'did you mean: ckm doctor',
  'key status': 'did you mean: ckm status, or ckm key show NAME',
  'key replace':
    'servers of a key are exchanged with: ckm key requorum NAME; for another public key make another one: ckm key create NAME',
  'key reshare':
    'did you mean: ckm key refresh (new shares), or ckm key requorum (other servers or another quorum)',
};

function otherWord(path: string, what: string): string | undefined {
  const word = /'([^']*)'/.exec(what)?.[1] ?? '';
  return OTHER_WORDS[path === '' ? word : `${path} ${word}`];
}

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
  const other = error.code === 'commander.unknownCommand' ? otherWord(path, what) : undefined;
  if (other !== undefined) return new UsageError(what, { code: 'COMMAND_UNKNOWN', hint: other });
  const flag = error.code === 'commander.unknownOption' ? flagOfAll(what) : undefined;
  if (flag !== undefined) {
    return new UsageError(`${flag} stands before the command`, {
      code: 'OPTION_UNKNOWN',
      hint: `put ${flag} behind the command, as in: ckm status ${flag}${flag === '--home' ? ' FOLDER' : ''}`,
    });
  }
  return new UsageError(what === '' ? 'the command line cannot be understood' : what, {
    code: CODES[error.code] ?? 'OPTION_INVALID',
    hint: meant === undefined ? `see: ${help}` : `did you mean ${meant}? see: ${help}`,
  });
}

/** The flag that was not known, where every command takes it: only a group of commands does not. */
function flagOfAll(what: string): string | undefined {
  const flag = /'([^']*)'/.exec(what)?.[1];
  return globalOptions().some(({ long, short }) => flag === long || flag === short) ? flag : undefined;
}
