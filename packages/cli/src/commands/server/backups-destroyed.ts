import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { parseMoment } from '../../command-line/option-values.js';
import { run } from '../../command-line/run.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { unixNow } from '../../terminal/instant.js';

/** `ckm server backups-destroyed` */
export function serverBackupsDestroyedCommand(): Command {
  return operatorLeaf(
    'backups-destroyed',
    'say that you have destroyed old backups: owners are told so, signed by the server',
  )
    .requiredOption('--before <when>', 'all that were begun before are destroyed: 2026-11-30, or with a time')
    .action(run(noteDestroyed));
}

async function noteDestroyed(
  { terminal, flags }: Context,
  folder: string,
  { before }: { readonly before: string },
): Promise<void> {
  const operator = operatorOf(folder);
  // Of what is not made yet nobody can say that it is gone.
  const until = Math.min(parseMoment('--before', before), unixNow());
  const when = new Date(until * 1000).toISOString();
  const { name } = await operator.status();
  if (flags.preview === true) {
    const text = `would note that all backups of ${name} begun before ${when} are destroyed`;
    terminal.result(text, { preview: true, name, before: until });
    return;
  }
  await operator.noteDestroyedBackups({ before: until });
  const { open } = await operator.status();
  const left = open?.backupsLeft ?? null;
  const rest =
    left === null ? '' : `; of those since, ${left === 0 ? 'there is none' : `it knows of ${left}`}`;
  terminal.result(`${name} has noted that all backups begun before ${when} are destroyed${rest}`, {
    name,
    before: until,
    left,
  });
}
