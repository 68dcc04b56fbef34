import type { Command } from 'commander';
import { buildCommand } from './command-line/command-node.js';
import { refuseUnclearOptions } from './command-line/unclear-words.js';
import { COMMAND_TREE } from './command-tree.js';
import { VERSION } from './command-line/version.js';

/** The parser for one command line: the command it names is loaded, all others are known by name. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = await buildCommand(COMMAND_TREE, argv);
  const version = argv.includes('--json') ? JSON.stringify({ version: VERSION }) : VERSION;
  program.version(version, '--version', 'print the version');
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
