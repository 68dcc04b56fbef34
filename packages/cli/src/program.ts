import type { Command } from 'commander';
import { globalHelp } from './command-line/globals.js';
import { buildCommand } from './command-line/command-node.js';
import { refuseUnclearOptions } from './command-line/unclear-words.js';
import { COMMAND_TREE } from './command-tree.js';
import { VERSION } from './command-line/version.js';

/** The parser for one command line: the command it names is loaded, all others are known by name. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = await buildCommand(COMMAND_TREE, argv);
  const version = argv.includes('--json') ? JSON.stringify({ version: VERSION }) : VERSION;
  program.version(version, '--version', 'print the version');
  program.addHelpText('after', () => `\n${globalHelp()}\n\n${EXIT_STATUSES}`);
  prepare(program);
  return program;
}

const EXIT_STATUSES = `Exit status: 0 done; 64 the command line; 65 what was read; 69 servers, or what is needed is not there;
70 a defect; 74 storage; 75 the wrong moment; 76 a server misbehaved; 77 not allowed. ckm explain CODE says more.`;

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
