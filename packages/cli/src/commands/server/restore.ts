import { type BackupContents, previewRestore, restoreServer, type RestoreOptions } from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { contentsObject, describeContents, warnOfContents } from '../../operator/backup-contents.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { withoutOwner } from '../../operator/operator-leaf.js';
import { askBackupPassphrase } from '../../operator/passphrase-bytes.js';
import { serverXid } from '../../operator/server-xid.js';
import { likenessLine } from '../../terminal/likeness.js';

/** `ckm server restore` */
export function serverRestoreCommand(): Command {
  return withoutOwner(
    leaf('restore', 'make the folder of a server out of a backup; nothing is ever overwritten')
      .argument('<file>', 'what ckm server backup wrote')
      .argument('<folder>', 'an empty folder, or one that does not exist yet'),
  ).action(run(restore));
}

async function restore(context: Context, file: string, folder: string): Promise<void> {
  const { terminal, flags } = context;
  const [path, dataDir] = [resolve(file), resolve(folder)];
  const passphrase = await askBackupPassphrase(context);
  const progress = createByteProgress(terminal);
  const options: RestoreOptions = {
    file: path,
    dataDir,
    passphrase,
    progress: (step, bytes, of) => progress.on(step === 'check' ? 'checking' : 'restoring', bytes, of),
  };
  const isPreview = flags.preview === true;
  const contents = await (isPreview ? previewRestore(options) : restoreServer(options)).finally(progress.end);
  warnOfContents(terminal, contents);
  terminal.result(sentenceOf(contents, dataDir, isPreview), {
    ...(isPreview ? { preview: true } : {}),
    dataDir,
    ...contentsObject(contents),
  });
  if (!isPreview) terminal.talk(`next: ckm server start ${folder}`);
}

function sentenceOf(contents: BackupContents, dataDir: string, isPreview: boolean): string {
  const verb = isPreview ? 'would restore' : 'restored';
  const likeness = `likeness ${likenessLine(serverXid(contents.document))}`;
  const lost = 'What was done after that is not in it.';
  return `${verb} ${describeContents(contents)}, to ${dataDir}\n${likeness}\n${lost}`;
}
