import { formatMoment, type Secret } from '@ckm/foundation';
import { createAuditLog } from '../../audit/create-audit-log.js';
import type { ServerConfig } from '../../config/config.js';
import { ENV_NAMES, readEnv } from '../../config/env.js';
import { loadConfig } from '../../config/load-config.js';
import type { Random } from '../../context.js';
import { createRandom } from '../../random.js';
import { storageError } from '../../storage/codes.js';
import { compareRows, copyRows, type CountRows } from '../../storage/copy-rows.js';
import type { Storage } from '../../storage/storage.js';
import { createVault } from '../../vault/create-vault.js';
import { findKeySource } from '../../vault/key-source.js';
import type { Vault } from '../../vault/vault.js';
import { claimControlSocket } from '../folder/control-socket.js';
import { assertDataDir } from '../folder/data-dir.js';
import { guardSecrets } from '../process/guard-secrets.js';
import { assertReplaceable, openMoveTarget, OWN_ROWS } from './move-target.js';
import { findId, noteDatabase, notedKind, openNotedStorage, putId } from '../database/own-database.js';
import { notHere, putPlace, readPlace } from '../database/place.js';

/** A kind of database that a server can keep its data in. */
export type DatabaseKind = Storage['kind'];

/** What a move is doing, and through how many rows it has gone. `closed`: from then on the server runs at the new place only. */
export type MoveProgress = (step: 'copy' | 'compare' | 'closed' | 'open', rows: number) => void;

export interface MoveOptions {
  readonly dataDir: string;
  readonly to: DatabaseKind;
  /** Of a server that has one; null: it needs none. Wiped. */
  readonly passphrase: Secret<Uint8Array> | null;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly progress?: MoveProgress;
  /** For tests: milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/** A server that runs on another database from now on. */
export interface Moved {
  readonly to: DatabaseKind;
  /** Where that is, in words that tell no password. */
  readonly where: string;
  /** How many rows were compared with those at the old place; null: an earlier call had done that, and this one finished the rest. */
  readonly rows: number | null;
}

/** The name of a move in the audit log. */
const MOVE = 'server.move';

/** Where to and with what. */
interface Move {
  readonly config: ServerConfig;
  readonly to: DatabaseKind;
  readonly url: string;
  readonly vault: Vault;
  readonly random: Random;
  /** UnixSeconds. */
  readonly clock: () => number;
  readonly progress: MoveProgress;
}

/**
 * Moves a server that does *not* run from the database in its folder to PostgreSQL, or back; the folder stays what it is. All
 * rows are copied as they are stored, and compared; then the old place is closed for good, in the transaction that compared
 * them, and only after that the new one is opened. Whatever ends it in between leaves exactly one place, or none, that a server
 * starts on: until the old one is closed that one, and behind that the same call finishes what is left.
 * @throws UsageError `SERVER_RUNNING`; StorageError `STORAGE_IN_USE`, `STORAGE_OTHER`, `STORAGE_TARGET_USED`,
 * `STORAGE_COPY_DIFFERS`, `STORAGE_…`; AccessError `PASSPHRASE_WRONG`
 */
export async function moveServer(options: MoveOptions): Promise<Moved> {
  const { dataDir, to, variables, nowMs = Date.now, progress = () => undefined } = options;
  const env = readEnv(variables);
  guardSecrets(variables);
  const { config, url } = readWhere(options);
  await claimControlSocket(dataDir);
  const clock = () => Math.floor(nowMs() / 1_000);
  const random = createRandom();
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, clock);
  const { current, earlier } = await source.open(options.passphrase);
  const vault = createVault(current, random, earlier);
  try {
    return await move({ config, to, url, vault, random, clock, progress });
  } finally {
    vault.wipe();
  }
}

/**
 * Where a move would take a server, in words; opens nothing.
 * @throws UsageError `CONFIG_…`; StorageError `STORAGE_OTHER` when no PostgreSQL is named
 */
export function previewMove(
  options: Pick<MoveOptions, 'dataDir' | 'to' | 'variables'>,
): Pick<Moved, 'where'> {
  return { where: describeWhere({ to: options.to, url: readWhere(options).url }) };
}

function readWhere({ dataDir, to, variables }: Pick<MoveOptions, 'dataDir' | 'to' | 'variables'>) {
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, readEnv(variables));
  if (config.databaseUrl === null) throw noUrl(to);
  return { config, url: config.databaseUrl };
}

async function move(given: Move): Promise<Moved> {
  const { config, to, url, vault } = given;
  const urlOf = (kind: DatabaseKind) => (kind === 'postgres' ? url : null);
  const there = { ...config, databaseUrl: urlOf(to) };
  if (notedKind(config.dataDir) === to) return assertThere(given, there);
  const from = await openNotedStorage(
    { ...config, databaseUrl: urlOf(to === 'postgres' ? 'sqlite' : 'postgres') },
    vault,
  );
  try {
    await assertAlone(from);
    const target = await openMoveTarget(there, vault);
    try {
      return await between(given, from, target);
    } finally {
      await target.close();
    }
  } finally {
    await from.close();
  }
}

/** It was moved before: what was left of that is done. */
async function assertThere(given: Move, there: ServerConfig): Promise<Moved> {
  const storage = await openNotedStorage(there, given.vault);
  try {
    const place = await storage.read((reader) => readPlace(reader, given.vault));
    if (place.state !== 'here') throw notHere(place);
    return { to: given.to, where: describeWhere(given), rows: null };
  } finally {
    await storage.close();
  }
}

async function between(given: Move, from: Storage, target: Storage): Promise<Moved> {
  const { vault, to } = given;
  const where = describeWhere(given);
  const place = await from.read((reader) => readPlace(reader, vault));
  if (place.state === 'arriving') throw notHere(place);
  if (place.state === 'gone') {
    const id = await target.read((reader) => findId(reader, vault));
    if (id !== place.to) throw elsewhere(place.where);
    await open(given, target, id, null);
    return { to, where, rows: null };
  }
  const id = await copy(given, from, target);
  const rows = await close(given, from, target, { to: id, where });
  await open(given, target, id, rows);
  return { to, where, rows };
}

/** One transaction: the target holds nothing, or all of it, marked as a copy that nobody runs on. @returns the id of the target */
async function copy(given: Move, from: Storage, target: Storage): Promise<string> {
  const { vault, random, progress } = given;
  const fromId = await from.read((reader) => findId(reader, vault));
  if (fromId === null) throw neverRan();
  const count: CountRows = (rows) => progress('copy', rows);
  const id = await target.transact(async (transaction) => {
    await assertReplaceable(transaction, vault, fromId);
    await transaction.sealed.removeAll();
    await from.read((reader) => copyRows(reader, transaction, OWN_ROWS, count));
    await putPlace(transaction, vault, { state: 'arriving', from: fromId });
    return putId(transaction, vault, random);
  });
  return id;
}

/**
 * The moment of the move. Compared and closed in one transaction that nobody else writes in: what the copy lacks cannot come
 * about behind it. Without the head of its log no process goes on with the old database, not even one that was cut off from it
 * meanwhile and finds it again.
 * @returns how many rows are the same
 */
function close(
  { vault, clock, progress }: Move,
  from: Storage,
  target: Storage,
  goal: { readonly to: string; readonly where: string },
): Promise<number> {
  return from
    .transact(async (transaction) => {
      await transaction.sealed.holdAll();
      await assertAlone(from);
      const rows = await target.read((copied) =>
        compareRows(transaction, copied, OWN_ROWS, (count) => progress('compare', count)),
      );
      await transaction.audit.removeHead();
      await putPlace(transaction, vault, { state: 'gone', ...goal, at: clock() });
      return rows;
    })
    .then((rows) => {
      progress('closed', rows);
      return rows;
    });
}

/** @param rows null: it was closed by an earlier call */
async function open(given: Move, target: Storage, id: string, rows: number | null): Promise<void> {
  const { config, vault, clock, random, to, progress } = given;
  const audit = createAuditLog({ vault, clock, random });
  await target.transact(async (transaction) => {
    const place = await readPlace(transaction, vault);
    if (place.state === 'gone') throw notHere(place);
    if (place.state === 'here') return;
    await putPlace(transaction, vault, { state: 'here' });
    await audit.append(transaction, {
      deed: MOVE,
      who: null,
      keyId: null,
      subject: null,
      sentence: 'Move the server to another database',
      verdict: 'done',
      policy: '',
      detail: `to ${to === 'postgres' ? 'PostgreSQL' : 'its folder'}, at ${formatMoment(clock())}`,
    });
  });
  progress('open', rows ?? 0);
  noteDatabase(config.dataDir, target, id);
}

/** @throws StorageError `STORAGE_IN_USE` */
async function assertAlone(storage: Storage): Promise<void> {
  if ((await storage.countOthers()) === 0) return;
  throw storageError(
    'STORAGE_IN_USE',
    'another process has this database open',
    'stop every replica of this server, then do the same again',
  );
}

function describeWhere({ to, url }: Pick<Move, 'to' | 'url'>): string {
  if (to === 'sqlite') return 'ckm.sqlite in its folder';
  if (!URL.canParse(url)) return 'PostgreSQL';
  const { hostname, pathname } = new URL(url);
  return `PostgreSQL, ${hostname}${pathname}`;
}

function noUrl(to: DatabaseKind) {
  return storageError(
    'STORAGE_OTHER',
    `${ENV_NAMES.databaseUrl} is not set: it names the PostgreSQL database that the server is moved ${to === 'postgres' ? 'to' : 'from'}`,
    `set ${ENV_NAMES.databaseUrl}, then do the same again`,
  );
}

function elsewhere(where: string) {
  return storageError(
    'STORAGE_OTHER',
    `this server was moved to ${where} already, which is another database than the one that is named now`,
    `name that one in ${ENV_NAMES.databaseUrl}, then do the same again`,
  );
}

function neverRan() {
  return storageError(
    'STORAGE_MISSING',
    'this server never ran: there is nothing to move',
    `start it on the database it is to have: with or without ${ENV_NAMES.databaseUrl}`,
  );
}
