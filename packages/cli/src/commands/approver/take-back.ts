import type { Command } from 'commander';
import { saying, voteLeaf } from '../../approver/vote-command.js';
import { run } from '../../command-line/run.js';

/** `ckm approver take-back ID` */
export function approverTakeBackCommand(): Command {
  return voteLeaf(
    'take-back',
    'take back what you said, before anything is signed: neither yes nor no any more',
  ).action(run(saying('takeBack')));
}
