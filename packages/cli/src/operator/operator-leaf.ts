import { connectOperator, type Operator } from '@ckm/server';
import { type Command, Option } from 'commander';
import { resolve } from 'node:path';
import type { Endings } from '../command-line/exit-statuses.js';
import { leaf } from '../command-line/run.js';

/** A command for whoever runs a server: its first word is the server's data directory. */
export function operatorLeaf(name: string, summary: string, endings?: Endings): Command {
  return withoutOwner(leaf(name, summary, endings).argument('<folder>', 'the data directory of the server'));
}

/** Who gives an answer, where several people share the user that a server runs as. */
export function asOption(): Option {
  return new Option('--as <name>', 'who you are, for the audit log; it is written down, not checked');
}

/** Says in the help of a command which passphrase its file holds, where that is not the one of the server alone. */
export function describePassphraseFile(command: Command, opens: string): Command {
  const option = command.options.find(({ long }) => long === '--passphrase-file')!;
  option.description = `first line is ${opens}; - is stdin`;
  return command;
}

/** A command for whoever runs a server, whose arguments are others. */
export function withoutOwner(command: Command): Command {
  for (const option of command.options) {
    // What belongs to an owner has no meaning for an operator.
    if (['--home', '--timeout'].includes(option.long ?? '')) option.description = '';
    if (option.long === '--passphrase-file') {
      option.hideHelp(false);
      option.description = 'first line opens the storage key of the server; - is stdin';
    }
  }
  return command;
}

/** The server that runs on a data directory. Nothing is connected before the first question. */
export function operatorOf(folder: string): Operator {
  return connectOperator(resolve(folder));
}
