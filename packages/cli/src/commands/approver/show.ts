import type { Command } from 'commander';
import { openApproverHere } from '../../approver/approver-home.js';
import { formatMatter, matterObject } from '../../approver/approver-words.js';
import { leavingOut, WITHOUT } from '../../approver/vote-command.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';

/** `ckm approver show ID` */
export function approverShowCommand(): Command {
  return leaf('show', 'one thing that waits for you: what it does, who asks, and by which terms')
    .argument('<id>', 'its first digits: see ckm approver list')
    .option(...WITHOUT)
    .action(run(show));
}

async function show(context: Context, id: string, flags: { readonly without?: string }): Promise<void> {
  const { terminal } = context;
  const approver = await openApproverHere(context);
  const { view } = await approver.look(id, leavingOut(flags));
  terminal.result(formatMatter(terminal, view, true), matterObject(view), 'asWritten');
}
