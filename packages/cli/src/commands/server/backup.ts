import { CkmError, encodeHex, reveal, type Secret, secret, wipe } from '@ckm/foundation';
import {
  assertBackupPath,
  guardSecrets,
  backUpStoppedServer,
  type BackupContents,
  describeConfig,
  noteBackupOfStopped,
  type OperatorStatus,
  writeBackupFile,
} from '@ckm/server';
import type { Command } from 'commander';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { contentsObject, describeContents, faultOf, warnOfContents } from '../../operator/backup-contents.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { describePassphraseFile, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askNewBackupPassphrase, askServerPassphrase } from '../../operator/passphrase-bytes.js';

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
  const status = await statusOf(dataDir);
  const path = pathOf(file, () => status?.name ?? nameIn(dataDir));
  assertBackupPath(path);
  const isSealed = existsSync(join(dataDir, 'storage.key.sealed'));
  const hasEpochKeys = flags.withoutEpochKeys !== true;
  if (context.flags.preview === true) {
    const under = isSealed ? 'the passphrase of the server' : 'a passphrase that you choose';
    const who = status === null ? `the stopped server in ${dataDir}` : status.name;
    terminal.result(`would write a backup of ${who} to ${path}, encrypted under ${under}`, {
      preview: true,
      dataDir,
      file: path,
      isRunning: status !== null,
      isSealed,
      hasEpochKeys,
    });
    return;
  }
  const passphrase = await (isSealed ? askServerPassphrase(context) : askNewBackupPassphrase(context));
  try {
    const contents = await write(
      { context, dataDir, path, isRunning: status !== null, hasEpochKeys },
      passphrase,
    );
    const fault = faultOf(contents);
    // What a restore would not bring back whole does not become the last good backup.
    if (fault === null && contents.hasEpochKeys)
      await keep({ context, dataDir, isRunning: status !== null }, contents, passphrase);
    warnOfContents(terminal, contents);
    terminal.result(`${path} holds ${describeContents(contents)}; read back and checked`, {
      file: path,
      ...contentsObject(contents),
    });
    terminal.talk(advice(isSealed));
    if (fault !== null) throw afterAnswer(fault);
  } finally {
    wipe(passphrase);
  }
}

interface Work {
  readonly context: Context;
  readonly dataDir: string;
  readonly path: string;
  readonly isRunning: boolean;
  readonly hasEpochKeys: boolean;
}

async function write(work: Work, passphrase: Secret<Uint8Array>): Promise<BackupContents> {
  // It is read back here.
  guardSecrets();
  const progress = createByteProgress(work.context.terminal);
  try {
    return await writeBackupFile(
      work.path,
      await piecesOf(work, copyOf(passphrase)),
      passphrase,
      (step, bytes, of) => progress.on(step === 'write' ? 'writing' : 'reading back', bytes, of),
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

/** A file, or in a folder one that is named after the server and the moment. */
function pathOf(file: string, nameOf: () => string): string {
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const moment = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  return join(path, `${nameOf().replaceAll(/[^\w.-]/g, '-')}-${moment}.backup`);
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

/** Null: no server runs there. */
async function statusOf(dataDir: string): Promise<OperatorStatus | null> {
  try {
    return await operatorOf(dataDir).status();
  } catch (error) {
    if (error instanceof CkmError && error.code === 'SERVER_NOT_RUNNING') return null;
    throw error;
  }
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
