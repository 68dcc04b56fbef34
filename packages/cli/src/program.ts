import { VERSION } from '@ckm/foundation';
import type { Command } from 'commander';
import { exampleHelp } from './command-line/examples.js';
import { exitHelp } from './command-line/exit-statuses.js';
import { globalHelp } from './command-line/globals.js';
import { buildCommand, type CommandNode } from './command-line/command-node.js';
import { helpDocument } from './command-line/help-document.js';
import { refuseUnclearOptions } from './command-line/unclear-words.js';
import { COMMAND_TREE } from './command-tree.js';
import { asCalled } from './terminal/called-as.js';

/** The parser for one command line: the command it names is loaded, all others are known by name. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = await buildCommand(COMMAND_TREE, argv);
  const isForPrograms = argv.includes('--json');
  const version = isForPrograms ? JSON.stringify({ version: VERSION }) : VERSION;
  program.helpCommand('help [command...]', 'how a command is used; ckm help exit: what exit statuses mean');
  program.version(version, '--version', 'print the version');
  program.addHelpText('after', () => `\n${globalHelp()}\n\n${exitHelp()}`);
  prepare(program, COMMAND_TREE, [], isForPrograms);
  return program;
}

/**
 * Every refusal comes back as an error, so that all of them are printed in one place and in one form; and every command
 * refuses what could be read in two ways. Help is an answer: with `--json` it is one JSON document.
 * @param words that lead to the command
 */
function prepare(
  command: Command,
  node: CommandNode,
  words: readonly string[],
  isForPrograms: boolean,
): void {
  command
    .exitOverride()
    .configureOutput({
      writeErr: () => undefined,
      writeOut: (text) => void process.stdout.write(isForPrograms ? text : asCalled(text)),
    })
    .showSuggestionAfterError(true);
  refuseUnclearOptions(command);
  if (isForPrograms) answerInJson(command, node, words);
  else command.addHelpText('after', exampleHelp(words));
  for (const child of command.commands) {
    const next = node.commands!.find(({ name }) => name === child.name())!;
    prepare(child, next, [...words, next.name], isForPrograms);
  }
}

function answerInJson(command: Command, node: CommandNode, words: readonly string[]): void {
  command.outputHelp = () => {
    process.stdout.write(`${JSON.stringify(helpDocument(command, node, words))}\n`);
  };
}
