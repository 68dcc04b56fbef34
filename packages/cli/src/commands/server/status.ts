import type { OperatorStatus } from '@ckm/server';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { ownersLine, tellOwners } from '../../operator/owners-line.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { warnOfSettings } from '../../operator/running-server.js';
import { serverXid } from '../../operator/server-xid.js';
import { counted } from '../../terminal/counted.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { likenessLine, likenessObject } from '../../terminal/likeness.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm server status` */
export function serverStatusCommand(): Command {
  return operatorLeaf('status', 'how a running server is').action(run(status));
}

async function status({ terminal }: Context, folder: string): Promise<void> {
  const now = await operatorOf(folder).status();
  const { open } = now;
  const likeness = open === null ? null : likenessObject(serverXid(open.identity.document));
  terminal.result(formatTable(rowsOf(now)), { ...now, likeness });
  const slow = now.arithmetic.filter(({ grade }) => grade === 'bigint').map(({ suite }) => suite);
  if (slow.length > 0)
    terminal.warn(`slow arithmetic for ${slow.join(', ')}: its time depends on secrets. ${SLOW}`);
  if (open !== null && open.keysStopped > 0) terminal.warn(`${stoppedText(open.keysStopped)} ${STOPPED}`);
  if (open?.sqlite?.library === 'node')
    terminal.warn('the SQLite in use is that of Node itself. What to do: ckm explain SQLITE_OF_NODE');
  if (open !== null && open.clockJump !== 0) terminal.warn(clockText(open.clockJump));
  warnOfSettings(terminal, now, folder);
  if (open !== null) talkOfBackup(terminal, open.lastBackupAt, folder);
  if (open === null) terminal.warn(`it answers nobody before you open it: ckm server unseal ${folder}`);
  else if (open.waitingRequests > 0) terminal.talk(`see what waits: ckm server requests ${folder}`);
  if (open === null) return;
  const { accounts, document } = open.identity;
  tellOwners(terminal, ownersLine(now.name, now.url, serverXid(document)), accounts, folder);
}

/** What an operator looks for after a restore. */
export function epochKeysText(missing: number): string {
  if (missing === 0) return 'none is missing';
  return `of ${missing} ${missing === 1 ? 'share' : 'shares'} missing, with which it does not sign: ckm explain EPOCH_KEY_MISSING`;
}

/** The SQLite that CKM brings goes without saying. */
export function databaseText({
  storage,
  sqlite,
}: Pick<NonNullable<OperatorStatus['open']>, 'storage' | 'sqlite'>): string {
  return sqlite?.library === 'node' ? `${storage} (that of Node itself, ${sqlite.version})` : storage;
}

const OLD_DAYS = 7;

function talkOfBackup(
  { warn, talk }: Context['terminal'],
  lastBackupAt: number | null,
  folder: string,
): void {
  const how = `ckm server backup ${folder} FILE`;
  if (lastBackupAt === null) return talk(`no backup of this server is known; make one: ${how}`);
  const days = Math.floor((unixNow() - lastBackupAt) / 86_400);
  if (days >= OLD_DAYS) warn(`the last backup is ${days} days old; make one: ${how}`);
}

/** @param jump seconds; negative: back */
export function clockText(jump: number): string {
  return `the clock of this machine jumped ${jump > 0 ? 'ahead' : 'back'} by ${Math.abs(jump)} s; the server goes on by the time that has passed. What to do: ckm explain CLOCK_JUMPED`;
}

const STOPPED =
  'Look at this machine, then at each that ckm server keys marks. What to do: ckm explain POLICY_KEY_STOPPED';
const stoppedText = (count: number) =>
  `wrong shares were computed here with ${counted(count, 'key')}, which answer nothing until you release them.`;

function waitingText({ waitingRequests, waitingSessions }: NonNullable<OperatorStatus['open']>): string {
  return `${counted(waitingRequests, 'request')}, ${counted(waitingSessions, 'ceremony', 'ceremonies')}`;
}

/** Those of which what a server signs about old shares says that they may hold them. */
function backupsText(left: number | null): string {
  if (left === null) return 'it does not know how many there are';
  return left === 0
    ? 'none that you have not destroyed'
    : `${left}, as far as it knows; destroyed ones: ckm server backups-destroyed`;
}

const SLOW = 'What to do: ckm explain ARITHMETIC_SLOW';

function rowsOf({
  name,
  version,
  phase,
  url,
  startedAt,
  memoryBytes,
  arithmetic,
  open,
}: OperatorStatus): string[][] {
  const rows = [
    ['server', `${name} ${version}`],
    ['state', phase],
    ['address', url],
    ['running since', formatInstant(startedAt, unixNow())],
    ...arithmetic.map(({ suite, backend, grade }, i) => [
      i === 0 ? 'arithmetic' : '',
      `${suite}: ${backend} (${grade})`,
    ]),
    ['memory', `${Math.round(memoryBytes / 1_048_576)} MiB`],
  ];
  if (open === null) return rows;
  return [
    ...rows,
    ['likeness', likenessLine(serverXid(open.identity.document))],
    ['accounts', open.identity.accounts],
    ['database', databaseText(open)],
    ['epoch keys', epochKeysText(open.epochKeysMissing)],
    ['waiting for you', waitingText(open)],
    ['last backup', open.lastBackupAt === null ? 'none yet' : formatInstant(open.lastBackupAt, unixNow())],
    ['backups', backupsText(open.backupsLeft)],
    ['last drill', open.lastDrillAt === null ? 'none yet' : formatInstant(open.lastDrillAt, unixNow())],
    ['audit log', `${open.auditEntries} entries, head ${open.auditHead.slice(0, 16)}`],
  ];
}
