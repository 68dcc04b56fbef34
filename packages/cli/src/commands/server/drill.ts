import { encodeHex, equalBytes, StorageError, UsageError } from '@ckm/foundation';
import {
  type BackupContents,
  drillBackup,
  type DrilledBackup,
  type DrillVerdict,
  type Operator,
  type OperatorKey,
} from '@ckm/server';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { describeContents, faultOf, warnOfContents } from '../../operator/backup-contents.js';
import { createByteProgress } from '../../operator/byte-progress.js';
import { describePassphraseFile, operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askBackupPassphrase } from '../../operator/passphrase-bytes.js';
import { serverXid } from '../../operator/server-xid.js';
import { askAgain } from '../../terminal/ask-again.js';
import { counted } from '../../terminal/counted.js';
import { formatTable } from '../../terminal/table.js';
import { listKeys } from './keys.js';

/** `ckm server drill` */
export function serverDrillCommand(): Command {
  const command = operatorLeaf(
    'drill',
    'see whether a backup would bring every share back; restores nothing, and no share leaves it',
    { 74: 'a restore from it would not bring every share back' },
  );
  return describePassphraseFile(command, 'the passphrase of the backup')
    .requiredOption('--backup <file>', 'what ckm server backup wrote')
    .action(run(drill));
}

async function drill(
  context: Context,
  folder: string,
  { backup }: { readonly backup: string },
): Promise<void> {
  const { terminal, flags } = context;
  const operator = operatorOf(folder);
  const file = resolve(backup);
  // Before anybody types a passphrase: of a server that is sealed, or does not run, nothing is compared.
  const { all, unreadable } = await listKeys(operator);
  const { identity } = (await operator.status()).open!;
  if (flags.preview === true) {
    const text = `would compare ${file} with ${counted(all.length, 'key')} of ${identity.name}`;
    return terminal.result(text, { preview: true, file, keys: all.length });
  }
  const drilled = await open(context, file);
  const { contents } = drilled;
  if (!equalBytes(serverXid(contents.document), serverXid(identity.document))) throw ofAnother(contents);
  const found = await compare(operator, drilled, all);
  warnOfContents(terminal, contents);
  const whole = found.filter(({ verdict }) => verdict === 'whole').length;
  const { name, takenAt } = contents;
  terminal.result(textOf(contents, found), { file, name, takenAt, keys: found, unreadable });
  const isWhole = whole === found.length && unreadable.length === 0 && faultOf(contents) === null;
  if (!isWhole) throw afterAnswer(notWhole(found.length - whole + unreadable.length));
}

const STEPS = { open: 'trying the passphrase', check: 'reading it' } as const;

/** A passphrase that was mistyped is asked for again; a file says the same each time. */
function open(context: Context, file: string): Promise<DrilledBackup> {
  const attempt = async () => {
    const passphrase = await askBackupPassphrase(context);
    const { on, end } = createByteProgress(context.terminal);
    return drillBackup({
      file,
      passphrase,
      progress: (step, bytes, of) => on(STEPS[step], of === null ? null : { bytes, of }),
    }).finally(end);
  };
  return context.flags.passphraseFile === undefined
    ? askAgain(context.terminal, ['PASSPHRASE_WRONG'], attempt)
    : attempt();
}

interface Found {
  readonly owner: string;
  readonly keyId: string;
  readonly verdict: DrillVerdict;
}

/** How many the server compares at once. */
const PAGE = 200;

async function compare(
  operator: Operator,
  { contents, find }: DrilledBackup,
  keys: readonly OperatorKey[],
): Promise<readonly Found[]> {
  const found: Found[] = [];
  const { id, takenAt } = contents;
  for (let at = 0; at === 0 || at < keys.length; at += PAGE) {
    const shares = keys.slice(at, at + PAGE).map(({ owner, keyId }) => {
      const { epoch = null, publicShare = null, isDamaged = false } = find(owner, keyId) ?? {};
      return { owner, keyId, epoch, publicShare: publicShare && encodeHex(publicShare), isDamaged };
    });
    const isLast = at + PAGE >= keys.length;
    found.push(...(await operator.drill({ id: encodeHex(id), takenAt, shares, isLast })).keys);
  }
  return found;
}

const WORDS: Readonly<Record<Exclude<DrillVerdict, 'whole'>, string>> = {
  otherEpoch: 'its epoch is another one since: a backup of now has it',
  sealed: 'the key of its epoch is not in the backup: no restore opens its share',
  damaged: 'its share in the backup is not the certified one',
  missing: 'is not in the backup: made since then',
};

function textOf(contents: BackupContents, found: readonly Found[]): string {
  const whole = found.filter(({ verdict }) => verdict === 'whole').length;
  const rows = found.flatMap(({ keyId, owner, verdict }) =>
    verdict === 'whole' ? [] : [[keyId.slice(0, 8), `account ${owner.slice(0, 8)}`, WORDS[verdict]]],
  );
  const all =
    whole === found.length
      ? `a restore would bring back every share: ${counted(whole, 'key')}, each compared with its certificate`
      : `a restore would bring back ${whole} of ${counted(found.length, 'share')}`;
  const table = rows.length === 0 ? [] : [formatTable(rows, '  ')];
  return [
    describeContents(contents),
    all,
    ...table,
    'nothing was restored, and nothing of it was written',
  ].join('\n');
}

function ofAnother({ name }: BackupContents): UsageError {
  return new UsageError(`the backup is of another server (${name}, by its own name)`, {
    code: 'DRILL_OTHER_SERVER',
    hint: 'name a backup of this server; compare the likeness of both',
  });
}

function notWhole(count: number): StorageError {
  return new StorageError(
    count === 0
      ? 'the backup is not whole: the warnings say why'
      : `a restore would not bring back ${counted(count, 'share')}`,
    { code: 'DRILL_NOT_WHOLE', hint: 'make another backup, and do this again with it' },
  );
}
