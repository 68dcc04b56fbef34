import { decodeUtf8, StorageError } from '@ckm/foundation';
import type { BackupContents } from '@ckm/server';
import type { Terminal } from '../terminal/terminal.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { likenessObject } from '../terminal/likeness.js';
import { formatBytes } from './byte-progress.js';
import { serverXid } from './server-xid.js';

/** What a backup holds, in one line. */
export function describeContents({ name, takenAt, rows, bytes }: BackupContents): string {
  const parts = [
    plural(rows.accounts, 'account'),
    plural(rows.keys, 'key'),
    plural(rows.audit, 'entry of its log', 'entries of its log'),
  ];
  return `${name} as of ${formatInstant(takenAt, unixNow())}: ${parts.join(', ')}, ${formatBytes(bytes)}`;
}

/** What an operator does with the server that was made out of a backup; `folder` as it was typed. */
export function afterRestore(contents: Restored, folder: string): readonly string[] {
  const { isSealed, takenAt } = contents;
  const next = `next: ckm server start ${folder}`;
  const missing = whatIsMissing(contents);
  if (!isSealed) return [...missing, next];
  const moment = formatInstant(takenAt, unixNow());
  return [
    ...missing,
    `the passphrase of the server is the one that opened the backup, of ${moment}; one that was set after that opens nothing here`,
    `${next}, then: ckm server unseal ${folder}`,
    `if that passphrase is not to open it any more: ckm server passphrase ${folder}`,
  ];
}

type Restored = Pick<
  BackupContents,
  'name' | 'config' | 'isSealed' | 'takenAt' | 'hasEpochKeys' | 'keysMissing'
>;

/** What a restored server has no share of, and how it gets it: the same command of the owner, however his key is to be recovered. */
function whatIsMissing({ name, config, hasEpochKeys, keysMissing }: Restored): readonly string[] {
  const { backup } = JSON.parse(decodeUtf8(config)) as { readonly backup?: unknown };
  const from =
    backup === 'static' ? 'out of the certificate or by the other servers' : 'by the other servers';
  const repair = `ckm key repair NAME --server ${name}`;
  const since = `missing are the shares of keys that were made or changed since: their owners have them given back, ${from}: ${repair}`;
  if (keysMissing === 0) return [since];
  const why = hasEpochKeys ? 'whose epoch keys were not found' : 'made without epoch keys';
  return [
    since,
    `${plural(keysMissing, 'share')} in it, ${why}, ${keysMissing === 1 ? 'does' : 'do'} not open either: put copies of epoch-keys/ into the folder, or the same command`,
  ];
}

/** The same for programs. */
export function contentsObject(contents: BackupContents) {
  const { identity: _identity, config: _config, document, log, rows, from, ...rest } = contents;
  const { accounts, keys, invites, requests } = rows;
  return {
    ...rest,
    accounts,
    keys,
    invites,
    requests,
    auditEntries: log.sequence,
    beganAtEntry: from,
    likeness: likenessObject(serverXid(document)),
  };
}

/** What in a backup is not as it should be. */
export function warnOfContents({ warn }: Pick<Terminal, 'warn'>, contents: BackupContents): void {
  const { damaged, keysMissing, keyFaults, logFault, hasEpochKeys, wentBack } = contents;
  if (wentBack !== null)
    warn(
      `ckm: warning: its database was an older one than its server had seen, or another one: ${wentBack}. What to do: ckm explain STORAGE_WENT_BACK`,
    );
  if (damaged > 0)
    warn(
      `ckm: warning: ${plural(damaged, 'row')} in the database are not what the server stored: ckm explain ROW_TAMPERED`,
    );
  if (logFault !== null)
    warn(`ckm: warning: the audit log in it does not hold (${logFault}): ckm explain AUDIT_BROKEN`);
  if (keyFaults.count > 0)
    warn(
      `ckm: warning: ${plural(keyFaults.count, 'file of an epoch key is', 'files of epoch keys are')} not as the server left them: ${describeFaults(keyFaults)}; what to do: ckm explain CODE`,
    );
  if (!hasEpochKeys)
    warn('the keys of epochs are not in it: no share in it opens without a copy of epoch-keys/');
  else if (keysMissing > 0)
    warn(
      `ckm: warning: the epoch keys of ${plural(keysMissing, 'share')} were not found: ckm explain EPOCH_KEY_MISSING`,
    );
}

/** Why a backup does not count as a good one; null: it does, or leaves out the keys of epochs as it was told to. */
export function faultOf(contents: BackupContents): StorageError | null {
  const code = faultCodeOf(contents);
  if (code === null) return null;
  return new StorageError(
    'the backup is written and read back, and is not a good one: the warnings say why',
    {
      code,
      hint: 'keep the last good backup, and mend what the warnings name; then make another one',
    },
  );
}

function faultCodeOf({
  damaged,
  keysMissing,
  keyFaults,
  logFault,
  hasEpochKeys,
  wentBack,
}: BackupContents): string | null {
  if (damaged > 0) return 'ROW_TAMPERED';
  if (logFault !== null) return 'AUDIT_BROKEN';
  if (wentBack !== null) return 'STORAGE_WENT_BACK';
  if (keyFaults.count > 0) return keyFaults.some[0]?.code ?? 'EPOCH_KEY_MISSING';
  return hasEpochKeys && keysMissing > 0 ? 'EPOCH_KEY_MISSING' : null;
}

/** `epoch-keys/1f… (KEY_FILE_EXPOSED) and 2 more`. */
function describeFaults({ count, some }: BackupContents['keyFaults']): string {
  const named = some.slice(0, MOST_NAMED).map(({ name, code }) => `${name} (${code})`);
  const others = count - named.length;
  return `${named.join(', ')}${others === 0 ? '' : ` and ${others} more`}`;
}

const MOST_NAMED = 3;

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
