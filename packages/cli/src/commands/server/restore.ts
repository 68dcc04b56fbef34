import { formatMoment } from '@ckm/foundation';
import {
  assertUnused,
  type BackupContents,
  previewRestore,
  restoreServer,
  type RestoreOptions,
  type RestorePreview,
} from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import {
  afterRestore,
  contentsObject,
  describeContents,
  warnOfContents,
} from '../../operator/backup-contents.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { describePassphraseFile, withoutOwner } from '../../operator/operator-leaf.js';
import { askBackupPassphrase } from '../../operator/passphrase-bytes.js';
import { serverXid } from '../../operator/server-xid.js';
import { askAgain } from '../../terminal/ask-again.js';
import { unixNow } from '../../terminal/instant.js';
import { likenessLine } from '../../terminal/likeness.js';
import { plainText } from '../../terminal/plain-text.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm server restore` */
export function serverRestoreCommand(): Command {
  const command = withoutOwner(
    leaf('restore', 'make the folder of a server out of a backup; nothing is ever overwritten')
      .argument('<file>', 'what ckm server backup wrote')
      .argument('<folder>', 'an empty folder, or one that does not exist yet'),
  );
  return describePassphraseFile(command, 'the passphrase of the backup').action(run(restore));
}

async function restore(context: Context, file: string, folder: string): Promise<void> {
  const { terminal, flags } = context;
  const [path, dataDir] = [resolve(file), resolve(folder)];
  // Before anybody types a passphrase.
  assertUnused(dataDir);
  if (flags.preview === true) {
    const preview = await withPassphrase(context, { file: path, dataDir }, previewRestore);
    return showPreview(context, preview, dataDir);
  }
  const contents = await withPassphrase(context, { file: path, dataDir }, restoreServer);
  warnOfContents(terminal, contents);
  warnOfAge(terminal, contents, unixNow());
  terminal.result(sentenceOf('restored', contents, dataDir), { dataDir, ...contentsObject(contents) });
  for (const line of afterRestore(contents, folder)) terminal.talk(line);
}

/** Asks again for a passphrase that was mistyped: nothing is written before the backup is open. */
function withPassphrase<T>(
  context: Context,
  where: Pick<RestoreOptions, 'file' | 'dataDir'>,
  work: (options: RestoreOptions) => Promise<T>,
): Promise<T> {
  const { terminal, flags } = context;
  const attempt = async () => {
    const passphrase = await askBackupPassphrase(context);
    const { on, end } = createByteProgress(terminal);
    return work({
      ...where,
      passphrase,
      progress: (step, bytes, of) => on(STEPS[step], of === null ? null : { bytes, of }),
    }).finally(end);
  };
  // A file says the same each time.
  return flags.passphraseFile === undefined ? askAgain(terminal, ['PASSPHRASE_WRONG'], attempt) : attempt();
}

const STEPS = { open: 'trying the passphrase', check: 'checking', write: 'restoring' } as const;

function showPreview(
  { terminal }: Context,
  { contents, now, settings }: RestorePreview,
  dataDir: string,
): void {
  warnOfContents(terminal, contents);
  warnOfAge(terminal, contents, now);
  const moments = [
    ['the backup is of', formatMoment(contents.takenAt)],
    ['this machine says', formatMoment(now)],
  ];
  const rows = [...moments, ...settings.map(({ name, value }) => [name, plainText(value)])];
  terminal.result(`${sentenceOf('would restore', contents, dataDir)}\n${formatTable(rows)}`, {
    preview: true,
    dataDir,
    now,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    ...contentsObject(contents),
  });
}

const WEEK_SECONDS = 7 * 86_400;

/** A clock that is wrong at a restore makes a server refuse its owners until that moment comes. */
function warnOfAge({ warn }: Context['terminal'], { takenAt }: BackupContents, now: number): void {
  if (now < takenAt)
    warn(
      'ckm: warning: this machine says that the backup is not made yet; a restore is refused: ckm explain BACKUP_FROM_LATER',
    );
  else if (now - takenAt > WEEK_SECONDS)
    warn(
      `ckm: warning: by the clock of this machine the backup is ${Math.floor((now - takenAt) / 86_400)} days old. If that is not so, correct the clock before you restore`,
    );
}

function sentenceOf(verb: string, contents: BackupContents, dataDir: string): string {
  const likeness = `likeness ${likenessLine(serverXid(contents.document))}`;
  const lost = 'What was done after that is not in it.';
  return `${verb} ${describeContents(contents)}, to ${dataDir}\n${likeness}\n${lost}`;
}
