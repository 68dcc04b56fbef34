import type { Secret } from '@ckm/foundation';
import { type DatabaseKind, type Moved, moveServer, previewMove } from '@ckm/server';
import { type Command, Option } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { hasPassphrase } from '../../operator/has-passphrase.js';
import { operatorLeaf } from '../../operator/operator-leaf.js';
import { askSealingPassphrase } from '../../operator/passphrase-bytes.js';

/** `ckm server move` */
export function serverMoveCommand(): Command {
  return operatorLeaf('move', 'move a stopped server to PostgreSQL, or back into its folder; nothing is lost')
    .addOption(
      new Option(
        '--to <database>',
        'where its data are to be; CKM_DATABASE_URL names the PostgreSQL one, both ways',
      )
        .choices(['postgres', 'sqlite'])
        .makeOptionMandatory(),
    )
    .action(run(move));
}

interface Flags {
  readonly to: DatabaseKind;
}

const STEPS = {
  copy: 'copying',
  compare: 'comparing',
  closed: 'closing the old place',
  open: 'opening the new one',
};

async function move(context: Context, folder: string, { to }: Flags): Promise<void> {
  const { terminal, flags } = context;
  const dataDir = resolve(folder);
  // Before anybody types a passphrase.
  const { where } = previewMove({ dataDir, to });
  if (flags.preview === true) {
    const preview = { preview: true, dataDir, to, where };
    return terminal.result(`would move the data of the server in ${dataDir} to ${where}`, preview);
  }
  const passphrase: Secret<Uint8Array> | null = hasPassphrase(dataDir)
    ? await askSealingPassphrase(context, folder)
    : null;
  const progress = createByteProgress(terminal);
  const moved = await moveServer({
    dataDir,
    to,
    passphrase,
    progress: (step) => progress.on(STEPS[step], null),
  }).finally(() => progress.end());
  terminal.result(sentenceOf(moved, dataDir), { dataDir, ...moved });
  for (const line of afterMove(to, folder)) terminal.talk(line);
}

function sentenceOf({ where, rows }: Moved, dataDir: string): string {
  return rows === null
    ? `the server in ${dataDir} keeps its data in ${where}`
    : `moved the server in ${dataDir} to ${where}: ${rows} rows, each compared with the old one`;
}

/** What is left to be done by hand. @param folder as it was typed */
function afterMove(to: DatabaseKind, folder: string): readonly string[] {
  return to === 'postgres'
    ? [
        `next: set CKM_DATABASE_URL in its unit, then: ckm server start ${folder}`,
        `when it runs: make a backup, and destroy the old database: shred --remove ${folder}/ckm.sqlite`,
      ]
    : [
        `next: take CKM_DATABASE_URL out of its unit, then: ckm server start ${folder}`,
        'when it runs: make a backup, and drop the old database in PostgreSQL',
      ];
}
