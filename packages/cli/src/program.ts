import type { Command } from 'commander';
import { branch } from './command-line/run.js';
import { explainCommand } from './commands/explain.js';
import { gitSignCommand } from './commands/git-sign.js';
import { initCommand } from './commands/init.js';
import { seedBackupCommand } from './commands/seed/backup.js';
import { seedRestoreCommand } from './commands/seed/restore.js';
import { sshAgentCommand } from './commands/ssh-agent.js';
import { operatorCommands } from './operator/operator-commands.js';
import { VERSION } from './version.js';

/** The whole command tree; the folder `commands/` has the same shape. */
export function createProgram(): Command {
  const program = branch(
    'ckm',
    'Keys that no one holds: generated and used by independent Secret Servers.',
    initCommand(),
    branch('seed', 'the owner seed', seedBackupCommand(), seedRestoreCommand()),
    branch('server', 'Secret Servers: those you use, and those you run', ...operatorCommands()),
    sshAgentCommand(),
    gitSignCommand(),
    explainCommand(),
  );
  program.version(VERSION, '--version', 'print the version');
  throwInsteadOfExiting(program);
  return program;
}

/** Every refusal comes back as an error, so that all of them are printed in one place and in one form. */
function throwInsteadOfExiting(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError(true);
  for (const child of command.commands) throwInsteadOfExiting(child);
}
