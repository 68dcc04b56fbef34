import type { Command } from 'commander';
import { saying, voteLeaf, WITHOUT } from '../../approver/vote-command.js';
import { run } from '../../command-line/run.js';

/** `ckm approver approve ID` */
export function approverApproveCommand(): Command {
  return voteLeaf('approve', 'say yes to what waits for you')
    .option(...WITHOUT)
    .action(run(saying('yes')));
}
