import type { Command } from 'commander';
import { saying, voteLeaf } from '../../approver/vote-command.js';
import { run } from '../../command-line/run.js';

/** `ckm approver reject ID` */
export function approverRejectCommand(): Command {
  return voteLeaf('reject', 'say no to what waits for you')
    .option('--reason <text>', 'why: the owner reads it')
    .action(run(saying('no')));
}
