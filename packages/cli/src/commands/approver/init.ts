import type { Command } from 'commander';
import { assertNone, makeApprover } from '../../approver/approver-home.js';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';

/** `ckm approver init` */
export function approverInitCommand(): Command {
  return leaf('init', 'make this folder one that says yes or no to what keys of others do').action(run(init));
}

async function init(context: Context): Promise<void> {
  const { home, terminal, flags } = context;
  const machine = { home: home.path, approver: home.approverFile };
  if (flags.preview === true) {
    await assertNone(home);
    terminal.result(`would make an approver in ${home.path}`, { preview: true, ...machine });
    return;
  }
  await makeApprover(context);
  terminal.result(`made an approver in ${home.path}`, machine);
  terminal.talk('  take an invitation with: ckm approver join INVITATION --out ANSWER');
  terminal.talk(
    '  keep a copy of its file `approver` and the passphrase: who loses them is invited anew, by every owner',
  );
}
