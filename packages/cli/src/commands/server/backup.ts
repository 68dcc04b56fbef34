import { CkmError, encodeHex, reveal, type Secret, secret, wipe } from '@ckm/foundation';
import {
  assertBackupPath,
  guardSecrets,
  backUpStoppedServer,
  type BackupContents,
  backupName,
  describeConfig,
  faultyName,
  noteBackupOfStopped,
  removeLeftOvers,
  writeBackupFile,
} from '@ckm/server';
import type { Command } from 'commander';
import { renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { contentsObject, describeContents, faultOf, warnOfContents } from '../../operator/backup-contents.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { hasPassphrase } from '../../operator/has-passphrase.js';
import { describePassphraseFile, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askNewBackupPassphrase, askSealingPassphrase } from '../../operator/passphrase-bytes.js';
import { statusIfRunning } from '../../operator/running-server.js';

/** `ckm server backup` */
export function serverBackupCommand(): Command {
  const command = operatorLeaf(
    'backup',
    'write everything a server is made of to one encrypted file, while it runs or not',
    { 74: 'it was not written, or what it holds is damaged or not all there' },
  );
  return describePassphraseFile(command, 'the passphrase of the backup; of a sealed server, its own')
    .argument(
      '<file>',
      'the backup; must not exist. In a folder it gets the name of the server and the moment',
    )
    .option(
      '--without-epoch-keys',
      'for archives that nobody can destroy: no share in it opens without a copy of epoch-keys/',
    )
    .action(run(backup));
}

interface Flags {
  readonly withoutEpochKeys?: true;
}

async function backup(context: Context, folder: string, file: string, flags: Flags): Promise<void> {
  const { terminal } = context;
  const dataDir = resolve(folder);
  const status = await statusIfRunning(dataDir);
  const name = status?.name ?? nameIn(dataDir);
  const backups = folderOf(file);
  const path = backups === null ? resolve(file) : join(backups, backupName(name, Date.now()));
  assertBackupPath(path);
  const isSealed = hasPassphrase(dataDir);
  const work = {
    context,
    dataDir,
    path,
    isRunning: status !== null,
    hasEpochKeys: flags.withoutEpochKeys !== true,
  };
  if (context.flags.preview === true) return showPreview(work, name, isSealed);
  const passphrase = await (isSealed
    ? askSealingPassphrase(context, folder)
    : askNewBackupPassphrase(context));
  for (const left of backups === null ? [] : removeLeftOvers(backups, name, Date.now()))
    terminal.talk(`removed ${left}, which a backup left behind that was cut short`);
  try {
    const contents = await write(work, passphrase);
    const fault = faultOf(contents);
    // What a restore would not bring back whole does not become the last good backup.
    if (fault === null && contents.hasEpochKeys) await keep(work, contents, passphrase);
    warnOfContents(terminal, contents);
    const written = fault === null || backups === null ? path : setApart(path);
    terminal.result(`${written} holds ${describeContents(contents)}; read back and checked`, {
      file: written,
      ...contentsObject(contents),
    });
    terminal.talk(advice(isSealed));
    if (fault !== null) throw afterAnswer(fault);
  } finally {
    wipe(passphrase);
  }
}

/** The folder that a backup gets a name of its own in; null: a file is named. */
function folderOf(file: string): string | null {
  const path = resolve(file);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : null;
}

function showPreview(
  { context: { terminal }, dataDir, path, isRunning, hasEpochKeys }: Work,
  name: string,
  isSealed: boolean,
): void {
  const under = isSealed ? 'the passphrase of the server' : 'a passphrase that you choose';
  const who = isRunning ? name : `the stopped server in ${dataDir}`;
  terminal.result(`would write a backup of ${who} to ${path}, encrypted under ${under}`, {
    preview: true,
    dataDir,
    file: path,
    isRunning,
    isSealed,
    hasEpochKeys,
  });
}

interface Work {
  readonly context: Context;
  readonly dataDir: string;
  readonly path: string;
  readonly isRunning: boolean;
  readonly hasEpochKeys: boolean;
}

const STEPS = { write: 'writing', open: 'trying the passphrase', check: 'reading back' } as const;

async function write(work: Work, passphrase: Secret<Uint8Array>): Promise<BackupContents> {
  // It is read back here.
  guardSecrets();
  const progress = createByteProgress(work.context.terminal);
  try {
    progress.on('making its keys', null);
    return await writeBackupFile(
      work.path,
      await piecesOf(work, copyOf(passphrase)),
      passphrase,
      (step, bytes, of) => progress.on(STEPS[step], step === 'open' ? null : { bytes, of }),
    );
  } finally {
    progress.end();
  }
}

/** The server notes when its last good backup was made. One that cannot any more makes the backup no worse. */
async function keep(
  { context, dataDir, isRunning }: Pick<Work, 'context' | 'dataDir' | 'isRunning'>,
  { id, takenAt }: BackupContents,
  passphrase: Secret<Uint8Array>,
): Promise<void> {
  try {
    if (isRunning) await operatorOf(dataDir).keepBackup({ id: encodeHex(id), takenAt });
    else await noteBackupOfStopped(dataDir, { id, takenAt, passphrase: copyOf(passphrase) });
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    context.terminal.warn(
      `ckm: warning: the backup is good, and the server does not know that it was made: ${error.message} (${error.code})`,
    );
  }
}

/** In a folder a backup that is not a good one gets a name that says so. @returns where it lies now */
function setApart(path: string): string {
  const faulty = faultyName(path);
  renameSync(path, faulty);
  return faulty;
}

/** What a server that does not run calls itself. */
function nameIn(dataDir: string): string {
  const name = describeConfig({ dataDir }).find((setting) => setting.name === 'name');
  return String(name?.value);
}

/** Of the server that runs, or of the files of one that does not. */
function piecesOf(
  { dataDir, isRunning, hasEpochKeys }: Work,
  passphrase: Secret<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> {
  if (!isRunning) return backUpStoppedServer(dataDir, { passphrase, hasEpochKeys });
  const operator = operatorOf(dataDir);
  return hasEpochKeys ? operator.backup(passphrase) : operator.backupWithoutEpochKeys(passphrase);
}

function copyOf(passphrase: Secret<Uint8Array>): Secret<Uint8Array> {
  return secret(reveal(passphrase, 'make the backup with it, and read it back').slice());
}

function advice(isSealed: boolean): string {
  const who = isSealed
    ? 'the passphrase of the server opens it'
    : 'only this passphrase opens it, and it is written nowhere';
  return `${who}. Keep it on another machine, and where you can find and destroy it`;
}
