import type { Command } from 'commander';
import { branch } from './command-line/run.js';
import { addressCommand } from './commands/address.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { gitSignCommand } from './commands/git-sign.js';
import { initCommand } from './commands/init.js';
import { keyCreateCommand } from './commands/key/create.js';
import { keyListCommand } from './commands/key/list.js';
import { keyShowCommand } from './commands/key/show.js';
import { keyVerifyCommand } from './commands/key/verify.js';
import { seedBackupCommand } from './commands/seed/backup.js';
import { seedRestoreCommand } from './commands/seed/restore.js';
import { serverAddCommand } from './commands/server/add.js';
import { serverListCommand } from './commands/server/list.js';
import { serverRemoveCommand } from './commands/server/remove.js';
import { serverShowCommand } from './commands/server/show.js';
import { sessionsCancelCommand } from './commands/sessions/cancel.js';
import { sessionsListCommand } from './commands/sessions/list.js';
import { sessionsResumeCommand } from './commands/sessions/resume.js';
import { sessionsShowCommand } from './commands/sessions/show.js';
import { signCommand } from './commands/sign.js';
import { sshAgentCommand } from './commands/ssh-agent.js';
import { statusCommand } from './commands/status.js';
import { operatorCommands } from './operator/operator-commands.js';
import { VERSION } from './version.js';

/** The whole command tree; the folder `commands/` has the same shape. */
export function createProgram(): Command {
  const program = branch(
    'ckm',
    'Keys that no one holds: generated and used by independent Secret Servers.',
    initCommand(),
    branch('seed', 'the owner seed', seedBackupCommand(), seedRestoreCommand()),
    branch(
      'server',
      'Secret Servers: those you use, and those you run',
      serverAddCommand(),
      serverListCommand(),
      serverShowCommand(),
      serverRemoveCommand(),
      ...operatorCommands(),
    ),
    branch(
      'key',
      'keys that no one holds',
      keyCreateCommand(),
      keyListCommand(),
      keyShowCommand(),
      keyVerifyCommand(),
    ),
    addressCommand(),
    signCommand(),
    branch(
      'sessions',
      'ceremonies you started',
      sessionsShowCommand(),
      sessionsResumeCommand(),
      sessionsCancelCommand(),
    ).addCommand(sessionsListCommand(), { isDefault: true }),
    statusCommand(),
    doctorCommand(),
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
