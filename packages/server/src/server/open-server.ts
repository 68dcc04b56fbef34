import { PROTOCOL_VERSIONS, type IdentityCard } from '@ckm/api';
import { createXidDocument, formatEnvelopeUr, signXidDocument } from '@ckm/gordian';
import { createChangeMemory, type SuiteBackend } from '@ckm/threshold';
import { createAccounts } from '../accounts/create-accounts.js';
import type { AuditAnchor, AuditLine } from '../audit/audit.js';
import { createAuditLog } from '../audit/create-audit-log.js';
import { WENT_BACK } from '../audit/log-memory.js';
import { createClockWatch, createServerClock, type Elapsed, type ServerClock } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import type { Random, ServerContext, Sessions } from '../context.js';
import type { Events } from '../events.js';
import { createDescribeServer } from '../messages/describe-server.js';
import { createReceive, type Receive } from '../messages/receive.js';
import { createLongMessages, type LongMessages } from '../turns/long-messages.js';
import { createLongTurns, longTurnLimits } from '../turns/long-turns.js';
import { noticeLater, operatorWays } from '../outbox/operator-notices.js';
import { createOutbox } from '../outbox/outbox.js';
import { peopleWays } from '../outbox/people-ways.js';
import { createPolicy } from '../policy/create-policy.js';
import { createPeople } from '../votes/people.js';
import { countStopped } from '../policy/tightening.js';
import { openSessions, type RoomsOf } from './open-sessions.js';
import { type StorageHealth, watchStorage } from '../storage/answers.js';
import { openOrSayLost } from './database/lost-database.js';
import { openStorage } from './database/open-storage.js';
import { claimDatabase, startOptions } from './database/own-database.js';
import { assertHere } from './database/place.js';
import type { Storage } from '../storage/storage.js';
import { createVault } from '../vault/create-vault.js';
import { openEpochKeys } from '../vault/epoch-keys.js';
import type { KeySource, StorageKeys } from '../vault/key-source.js';
import { DEFAULT_COST, type PassphraseCost } from '../vault/passphrase.js';
import type { Vault } from '../vault/vault.js';
import { describeFormer, describeGap, noteAnchor, noteStart, readAnchor } from './folder/audit-anchor.js';
import { auditStart } from './audit-start.js';
import { furthest, openLastEntry } from './folder/last-entry.js';
import { type Backups, createBackups } from './backups/back-up-server.js';
import { RESTORE } from './backups/restore-database.js';
import { countMissingKeys } from './secrets/missing-epoch-keys.js';
import { logPassphraseChange } from './secrets/log-passphrase-change.js';
import { openIdentity, type OwnSecrets, wipeOwn } from './secrets/own-secrets.js';
import { createKeyRotation, type KeyRotation } from './secrets/rotate-key.js';
import { watchFolder } from './folder/shared-folder.js';
import { capLastBackup, noteAllOver } from './database/backup-marks.js';
import {
  acceptClock,
  assertClock,
  assertStorageKey,
  forgetMessages,
  forgottenBefore,
  lastDateOfBefore,
  lastEntryOf,
  probeStorage,
} from './database/storage-marks.js';

const BEING_WRITTEN_MS = 60_000;

/** A server whose storage key is there: it can answer. */
export interface OpenServer {
  readonly context: ServerContext;
  readonly sessions: Sessions;
  readonly receive: Receive;
  /** How many bytes a message from there may have at this moment. */
  readonly mostBytes: LongMessages['mostBytes'];
  readonly card: IdentityCard;
  /** Why its database cannot be used at this moment, as a code; null: it can. */
  storageFault(): Promise<string | null>;
  /** The head of the audit log noted outside the database. */
  anchor(): AuditAnchor | null;
  readonly rotation: KeyRotation;
  readonly backups: Backups;
  /** How many shares have an epoch key that this process does not find. */
  epochKeysMissing(): number;
  /** By how many seconds the machine's clock has jumped since the start; negative: back. */
  clockJump(): number;
  /** For how many seconds more no message is answered, because it may be of before a restore; 0: all are. */
  refusesFor(): number;
  /** Work that has to be done every few seconds. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenServerOptions {
  readonly config: ServerConfig;
  readonly storageKeys: StorageKeys;
  /** Where they came from: the next one goes there. */
  readonly source: KeySource;
  readonly random: Random;
  readonly nowMs: () => number;
  /** The time that passes beside that; undefined: `nowMs` is that itself. */
  readonly elapsed?: Elapsed | undefined;
  /** For tests: milliseconds that this process has run, as time that grants something counts them. */
  readonly ranMs?: (() => number) | undefined;
  readonly backends: readonly SuiteBackend[];
  readonly events: Events;
  readonly acceptClock: boolean;
  /** Is told of every entry of the audit log, once it is committed. Must not throw. */
  readonly told?: (line: AuditLine) => void;
  /** For tests: another way to the database, one that fails say. */
  readonly openStorage?: typeof openStorage;
  /** Undefined: those this version has. */
  readonly rooms?: RoomsOf | undefined;
  /** Of backups; undefined: the default. */
  readonly passphraseCost?: PassphraseCost | undefined;
}

/**
 * Opens identity, database and everything that stands on them.
 * @throws StorageError `STORAGE_…` (`STORAGE_OTHER`: not the one this directory was used with), `FILE_TAMPERED`, `ROW_TAMPERED`, `CLOCK_BEHIND`.
 */
export async function openServer(options: OpenServerOptions): Promise<OpenServer> {
  const { config, random } = options;
  const { current, earlier } = options.storageKeys;
  const vault = createVault(current, random, earlier);
  let own: OwnSecrets | undefined;
  let storage: Storage | undefined;
  try {
    own = openIdentity(options, vault);
    const open = options.openStorage ?? openStorage;
    storage = await openOrSayLost(config, vault, () => open(startOptions(config)));
    if (storage.sqlite !== null) options.events.sqliteOpened(storage.sqlite);
    return await openOn(options, vault, own, watchStorage(storage));
  } catch (error) {
    await storage?.close();
    if (own !== undefined) wipeOwn(own);
    vault.wipe();
    throw error;
  }
}

async function openOn(
  options: OpenServerOptions,
  vault: Vault,
  own: OwnSecrets,
  health: StorageHealth,
): Promise<OpenServer> {
  const { storage } = health;
  const { identity, staticSeeds, handleKey } = own;
  const { config, random, events } = options;
  await assertStorageKey(storage, vault);
  await assertHere(storage, vault);
  await claimDatabase(storage, vault, { dataDir: config.dataDir, random });
  if (storage.kind === 'sqlite') await noteAllOver(storage, vault);
  const before = await lastEntryOf(storage, vault);
  const time = await openClock(options, vault, storage, before?.at ?? null);
  const clock = time.now;
  const watchClock = createClockWatch(time, events);
  const lastEntry = openLastEntry(config.dataDir, vault);
  const ways = operatorWays({
    config: config.notify,
    mail: config.mail,
    name: config.name,
    countWaiting: () =>
      storage.read(async ({ requests, sessions, changes }) => {
        const now = clock();
        const [asked, ceremonies] = [await requests.countListed(now), await sessions.countListed(now)];
        return asked + ceremonies + (await changes.countWaiting());
      }),
  });
  const outbox = createOutbox(
    { storage, vault, clock, random, events },
    new Map([...ways, ...peopleWays(config)]),
  );
  const operator = { config: config.notify, events, owner: identity.xid };
  // Not before the end of the start: one that is cut short must find again what it found.
  let isNoting = false;
  const committed = (line: AuditLine) => {
    if (isNoting) lastEntry.note(line);
    options.told?.(line);
  };
  const audit = createAuditLog({
    vault,
    clock,
    random,
    committed,
    appended: (transaction, line) => noticeLater(outbox, operator, ways.keys(), transaction, line),
  });
  const accounts = createAccounts({
    vault,
    clock,
    random,
    admission: config.accounts,
    most: config.limits.accounts,
    quota: config.quota,
  });
  const context: ServerContext = {
    clock,
    ...(options.ranMs === undefined ? {} : { elapsed: options.ranMs }),
    random,
    config,
    storage,
    vault,
    identity,
    staticSeeds,
    handleKey,
    outbox,
    epochKeys: openEpochKeys(config, vault, random),
    events,
    audit,
    accounts,
    policy: createPolicy({ vault, operator: config.policy }),
    people: createPeople({ accounts, clock, config, identity, vault }),
    checkedChanges: createChangeMemory(),
  };
  const folder = watchFolder(context);
  await folder.claim();
  // Another process may be writing one, if there can be another one.
  context.epochKeys.destroyLeftovers(storage.kind === 'sqlite' ? 0 : BEING_WRITTEN_MS);
  const look = () => storage.read((reader) => audit.look(reader));
  const former = await describeFormer(storage, config);
  let anchor = readAnchor(config.dataDir, vault) ?? (await noteStart(config.dataDir, vault, storage));
  const gap = (await describeGap(storage, furthest(anchor, lastEntry.read()))) ?? former;
  await auditStart(storage, audit, config, gap);
  await logPassphraseChange(context, options.source);
  const sessions = await openSessions(context, options.rooms);
  if (before?.deed === RESTORE) events.restored();
  if (gap !== null) {
    const ended = await sessions.voidOpen('the database of this server was put back to an earlier state');
    events.wentBack({ sessions: ended, gap });
  }
  // Also when it is another log now: that it is, is its newest entry. Not before every open session is over: a start that
  // is cut short until then must find the same gap again.
  await look();
  anchor = noteAnchor(config.dataDir, vault, audit.seen(), null);
  isNoting = true;
  if (anchor !== null) lastEntry.note(anchor);
  const rotation = createKeyRotation(context, {
    source: options.source,
    isBegun: options.storageKeys.earlier !== null,
    settled: health.settled,
  });
  let epochKeysMissing = await countMissingKeys(context);
  if (epochKeysMissing > 0) events.epochKeysMissing({ count: epochKeysMissing });
  const keysStopped = await countStopped(context);
  if (keysStopped > 0) events.keysStopped({ count: keysStopped });
  // One that was cut short goes on at once; what stops it again is tried again with the next sweep.
  if (rotation.isUnderWay()) rotation.rotate(null).catch(() => undefined);
  const handlers = {
    ...sessions.handlers,
    'server.describe': createDescribeServer(context, time, options.backends),
  };
  const longMessages = createLongMessages(config.limits.body);
  const refusedUntil = await lastDateOfBefore(storage, vault, config.limits.clockSkewSeconds);
  const refusesFor = () => Math.max(0, refusedUntil + 1 - clock());
  if (refusesFor() > 0) events.refusing({ seconds: refusesFor() });
  const longTurns = createLongTurns(longTurnLimits(config.limits.body, config.limits.concurrency));
  const gate = { longMessages, longTurns, refusedUntil, time, askerKnown: sessions.askerKnown };
  const receive = createReceive(context, handlers, gate);
  return {
    context,
    sessions,
    receive,
    mostBytes: longMessages.mostBytes,
    card: {
      document: formatEnvelopeUr(signXidDocument(createXidDocument(identity.publicKeys), identity)),
      name: config.name,
      version: config.version,
      accounts: config.accounts,
      protocols: [...PROTOCOL_VERSIONS],
    },
    storageFault: async () => (audit.hasGoneBack() ? WENT_BACK : health.fault()),
    anchor: () => anchor,
    rotation,
    backups: createBackups(context, {
      source: options.source,
      isKeyChanging: rotation.isUnderWay,
      passphraseCost: options.passphraseCost ?? DEFAULT_COST,
    }),
    epochKeysMissing: () => epochKeysMissing,
    clockJump: time.jump,
    refusesFor,
    sweep: async () => {
      watchClock();
      // Also when the log has gone back: nothing else is done then, and the next start is to find that it has.
      await look().finally(() => (anchor = noteAnchor(config.dataDir, vault, audit.seen(), anchor)));
      // One that was cut short by the end of an earlier process, or by a database that was away.
      if (rotation.isUnderWay()) await rotation.rotate(null);
      if ((await health.fault()) !== null) await probeStorage(storage, vault);
      await folder.claimAgain();
      if (epochKeysMissing > 0) epochKeysMissing = await countMissingKeys(context);
      await outbox.sweep();
      await sessions.sweep();
      await forgetMessages(storage, vault, clock());
      await capLastBackup(storage, vault, Math.floor(options.nowMs() / 1000));
    },
    close: async () => {
      await outbox.close();
      sessions.close();
      await look().catch(() => undefined);
      try {
        anchor = noteAnchor(config.dataDir, vault, audit.seen(), anchor);
      } catch {
        // The next start finds the log longer than what was noted, which it may be.
      }
      lastEntry.close();
      await storage.close();
      wipeOwn(own);
      vault.wipe();
    },
  };
}

async function openClock(
  { nowMs, elapsed, acceptClock: accepted }: OpenServerOptions,
  vault: Vault,
  storage: Storage,
  lastEntry: number | null,
): Promise<ServerClock> {
  const now = Math.floor(nowMs() / 1000);
  if (accepted) await acceptClock(storage, vault, now);
  const forgotten = await forgottenBefore(storage, vault);
  assertClock(now, forgotten, accepted ? null : lastEntry);
  return createServerClock(nowMs, forgotten, elapsed);
}
