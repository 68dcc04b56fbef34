import { VERSION } from '@ckm/foundation';
import type { Command } from 'commander';
import { exitHelp } from './command-line/exit-statuses.js';
import { globalHelp } from './command-line/globals.js';
import { buildCommand } from './command-line/command-node.js';
import { refuseUnclearOptions } from './command-line/unclear-words.js';
import { COMMAND_TREE } from './command-tree.js';

/** The parser for one command line: the command it names is loaded, all others are known by name. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = await buildCommand(COMMAND_TREE, argv);
  const version = argv.includes('--json') ? JSON.stringify({ version: VERSION }) : VERSION;
  program.helpCommand('help [command...]', 'how a command is used; ckm help exit: what exit statuses mean');
  program.version(version, '--version', 'print the version');
  program.addHelpText('after', () => `\n${globalHelp()}\n\n${exitHelp()}`);
  prepare(program);
  return program;
}

/**
 * Every refusal comes back as an error, so that all of them are printed in one place and in one form; and every command
 * refuses what could be read in two ways.
 */
function prepare(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError(true);
  refuseUnclearOptions(command);
  for (const child of command.commands) prepare(child);
}
