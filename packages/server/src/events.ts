// Longer than other files, because it is the one table of what is logged and counted: each event has one line here that says what it is, and one function.
import { CkmError, toShowable } from '@ckm/foundation';
import type { SuiteBackend } from '@ckm/threshold';
import type { Logger } from 'pino';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { createLog, type ReportingOptions } from './log.js';
import type { SqliteUsed } from './storage/storage.js';

/**
 * The only place where business events are reported: each has one function, which writes a log line and moves metrics.
 * No secret, no body, no XID: labels are few and fixed.
 */
export interface Events {
  messageAnswered(fields: {
    readonly function: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  messageRefused(fields: { readonly code: string }): void;
  accountOpened(): void;
  sessionMoved(fields: { readonly kind: string; readonly to: string }): void;
  keyActivated(fields: { readonly suite: string }): void;
  requestDecided(fields: {
    readonly kind: string;
    readonly verdict: 'allow' | 'ask' | 'refuse';
    readonly code: string;
  }): void;
  requestMoved(fields: { readonly kind: string; readonly to: string }): void;
  sharesReleased(fields: { readonly suite: string; readonly tasks: number; readonly seconds: number }): void;
  /** A share computed here was wrong: the key answers nothing more until its operator has looked. */
  keyStopped(fields: { readonly suite: string }): void;
  /** A share of a key left this server, sealed to the owner of the key. */
  shareGivenOut(): void;
  /** This server was shown that others of a key gave theirs out. */
  exportedElsewhere(): void;
  /** At start: how many keys are still stopped so. */
  keysStopped(fields: { readonly count: number }): void;
  peerFault(fields: { readonly code: string; readonly round: number }): void;
  poolFilled(fields: { readonly count: number }): void;
  poolVoided(fields: { readonly count: number }): void;
  operatorActed(fields: { readonly action: string }): void;
  /** The one line with the words of an error: they are ours, and name the file, which nobody else is told. */
  storageFailed(error: { readonly code: string; readonly message: string }): void;
  /** One that was being made ended before its end. */
  backupFailed(fields: { readonly code: string }): void;
  /** At start: the newest entry of the audit log is that of a restore. */
  restored(): void;
  /** The machine's clock left the time that has passed, by so many seconds; negative: it went back. */
  clockJumped(fields: { readonly seconds: number }): void;
  /** It is where it should be again. */
  clockRight(): void;
  /** It jumped ahead and is right: the clocks of owners agree with it. */
  clockFollowed(): void;
  /** At start: for how long messages are refused, because they may be of before the restore. */
  refusing(fields: { readonly seconds: number }): void;
  /** At start: the database is older than what was noted beside it, or another one. */
  wentBack(fields: { readonly sessions: number; readonly gap: string }): void;
  /** The storage key was opened with its passphrase. */
  unsealed(): void;
  /** A wrong passphrase was given, to open the server or for something else. */
  unsealFailed(): void;
  noticeSent(fields: { readonly way: string }): void;
  noticeFailed(fields: { readonly way: string; readonly code: string }): void;
  certificateRenewed(): void;
  /** The new one cannot be used. */
  certificateKept(fields: { readonly code: string }): void;
  tlsKeyExposed(): void;
  /** Owners refuse the certificate in use, or will before long. */
  certificateDoubted(fields: { readonly why: string }): void;
  /** At start: a crash could write the memory of this process to a file. */
  coreFilesPossible(): void;
  /** At start: shares whose epoch key this process does not find. */
  epochKeysMissing(fields: { readonly count: number }): void;
  /** While the server runs: other processes, or another database, use another folder than this one, or its folder. */
  epochKeysNotShared(fields: { readonly code: string }): void;
  /** The folder of epoch keys had the mark of another database, or of a later state of this one. */
  epochKeysMarkedAnew(): void;
  /** At start: what computes with the keys of each suite. */
  arithmeticChosen(backends: readonly SuiteBackend[]): void;
  /** Each time a database is opened that is SQLite: which one. */
  sqliteOpened(used: SqliteUsed): void;
  started(fields: { readonly storage: string; readonly sealed: boolean }): void;
  stopped(): void;
  /** An error that is a defect of ours: logged with the places it passed, without its words. */
  bug(error: unknown): void;
}

/** Events together with what shows them: `/metrics`. */
export interface Reporting {
  readonly events: Events;
  /** Prometheus text format. */
  metrics(): Promise<string>;
  readonly gauges: Gauges;
}

/** Numbers that are read when somebody asks for them. */
export interface Gauges {
  /** Shown as `ckm_` and the name; not at all while `read` has no number, or fails. */
  add(name: string, help: string, read: () => Reading | Promise<Reading>): void;
}
type Reading = number | null | undefined;

export function createReporting(options: ReportingOptions): Reporting {
  const log = createLog(options);
  const registry = new Registry();
  const events = createEvents(log, registry);
  const gauges = createGauges(registry);
  processGauges(registry);
  return { events, gauges, metrics: () => registry.metrics() };
}

function createEvents(log: Logger, registry: Registry): Events {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `ckm_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Histogram({ name: `ckm_${name}`, help, labelNames, registers, buckets: SECONDS });
  const stopped = counter('keys_stopped_total', 'Keys stopped because a share computed here was wrong', [
    'suite',
  ]);
  const givenOut = counter('shares_given_out_total', 'Shares of exported keys given to their owners');
  const messages = counter('messages_total', 'Messages answered', ['function', 'code']);
  const messageSeconds = histogram('message_seconds', 'Time to answer a message', ['function']);
  const refused = counter('messages_refused_total', 'Messages that could not be read or trusted', ['code']);
  const accounts = counter('accounts_opened_total', 'Accounts opened');
  const sessions = counter('session_moves_total', 'Moves of sessions', ['kind', 'to']);
  const keys = counter('keys_activated_total', 'Keys certified', ['suite']);
  const decided = counter('requests_decided_total', 'Decisions on requests', ['kind', 'verdict', 'code']);
  const requests = counter('request_moves_total', 'Moves of requests', ['kind', 'to']);
  const shares = counter('shares_released_total', 'Signature shares released', ['suite']);
  const shareSeconds = histogram('shares_seconds', 'Time to make the shares of one attempt', ['suite']);
  const faults = counter('peer_faults_total', 'Faults of other servers', ['code']);
  const filled = counter('commitments_published_total', 'Nonce commitments published');
  const voided = counter('commitments_voided_total', 'Nonce commitments that became void unused');
  const operator = counter('operator_actions_total', 'Actions of the operator', ['action']);
  const storage = counter('storage_failures_total', 'Failures of the database', ['code']);
  const unseals = counter('unseal_failures_total', 'Wrong passphrases');
  const notices = counter('notices_total', 'Notices to the operator', ['way', 'code']);
  const arithmetic = new Gauge({
    name: 'ckm_arithmetic_info',
    help: 'What computes with the keys of a suite; always 1',
    labelNames: ['suite', 'backend', 'grade'],
    registers,
  });
  const sqlite = new Gauge({
    name: 'ckm_sqlite_info',
    help: 'Which SQLite the database is, better-sqlite3 or that of Node itself; always 1',
    labelNames: ['library', 'version'],
    registers,
  });
  const bugs = counter('bugs_total', 'Errors that cannot happen');
  return {
    messageAnswered: ({ function: name, code, seconds }) => {
      messages.inc({ function: label(name), code: label(code) });
      messageSeconds.observe({ function: label(name) }, seconds);
      log.debug({ function: label(name), code: label(code), seconds }, 'message answered');
    },
    messageRefused: ({ code }) => {
      refused.inc({ code: label(code) });
      log.info({ code: label(code) }, 'message refused');
    },
    accountOpened: () => {
      accounts.inc();
      log.info('account opened');
    },
    sessionMoved: ({ kind, to }) => {
      sessions.inc({ kind: label(kind), to: label(to) });
      log.info({ kind: label(kind), to: label(to) }, 'session moved');
    },
    keyActivated: ({ suite }) => {
      keys.inc({ suite: label(suite) });
      log.info({ suite: label(suite) }, 'key activated');
    },
    requestDecided: ({ kind, verdict, code }) => {
      decided.inc({ kind: label(kind), verdict, code: label(code) });
      log.debug({ kind: label(kind), verdict, code: label(code) }, 'request decided');
    },
    requestMoved: ({ kind, to }) => {
      requests.inc({ kind: label(kind), to: label(to) });
      log.debug({ kind: label(kind), to: label(to) }, 'request moved');
    },
    sharesReleased: ({ suite, tasks, seconds }) => {
      shares.inc({ suite: label(suite) }, tasks);
      shareSeconds.observe({ suite: label(suite) }, seconds);
      log.debug({ suite: label(suite), tasks, seconds }, 'shares released');
    },
    keyStopped: ({ suite }) => {
      stopped.inc({ suite: label(suite) });
      log.error(
        { suite: label(suite) },
        'a share computed here was wrong: the key is stopped, look at the machine',
      );
    },
    exportedElsewhere: () => log.warn('other servers of a key gave their shares out: the key is exported'),
    shareGivenOut: () => {
      givenOut.inc();
      log.warn('a share was given out: the key is exported');
    },
    keysStopped: ({ count }) =>
      log.error(
        { count, code: 'POLICY_KEY_STOPPED' },
        'keys are stopped by wrong shares: look at the machine',
      ),
    peerFault: ({ code, round }) => {
      faults.inc({ code: label(code) });
      log.warn({ code: label(code), round }, 'another server is at fault');
    },
    poolFilled: ({ count }) => filled.inc(count),
    poolVoided: ({ count }) => voided.inc(count),
    operatorActed: ({ action }) => {
      operator.inc({ action: label(action) });
      log.info({ action: label(action) }, 'operator acted');
    },
    storageFailed: ({ code, message }) => {
      storage.inc({ code: label(code) });
      log.error(
        { code: label(code) },
        code === 'STORAGE_WENT_BACK'
          ? 'the database is older than this server has seen it: nothing is written until it is started again'
          : `the database or a file failed: ${toShowable(message)}`,
      );
    },
    backupFailed: ({ code }) => log.error({ code: label(code) }, 'a backup was not finished'),
    restored: () =>
      log.warn('this server was restored from a backup: what was done since then is not in its database'),
    clockJumped: ({ seconds }) =>
      log.error(
        { seconds, code: 'CLOCK_JUMPED' },
        `the clock of this machine jumped ${seconds > 0 ? 'ahead' : 'back'} by ${Math.abs(seconds)} s while the server ran: it goes on by the time that has passed. Set the clock right; if it is right now, ${seconds > 0 ? 'the server follows it with the next message of an owner whose clock agrees' : 'start the server again with CKM_ACCEPT_CLOCK=1'}`,
      ),
    clockRight: () => log.warn('the clock of this machine is right again'),
    clockFollowed: () =>
      log.warn(
        'the clocks of two owners agree with the clock of this machine: the server goes by that from now on',
      ),
    refusing: ({ seconds }) =>
      log.warn(
        { seconds, code: 'MESSAGE_BEFORE_RESTORE' },
        `messages are refused for ${seconds} s: until then one of before may come once more`,
      ),
    wentBack: ({ sessions: count, gap }) =>
      log.error(
        { count, code: 'STORAGE_WENT_BACK' },
        `data is lost: the database was put back to an earlier state, or is another one (${gap}); ${count} open ceremonies were ended. If nobody meant to, stop this server and restore its newest backup`,
      ),
    unsealed: () => log.info('opened with its passphrase'),
    unsealFailed: () => {
      unseals.inc();
      log.warn('wrong passphrase');
    },
    noticeSent: ({ way }) => {
      notices.inc({ way: label(way), code: '' });
      log.debug({ way: label(way) }, 'notice sent');
    },
    noticeFailed: ({ way, code }) => {
      notices.inc({ way: label(way), code: label(code) });
      log.warn({ way: label(way), code: label(code) }, 'a notice to the operator was not sent');
    },
    certificateRenewed: () => log.info('TLS certificate read anew'),
    certificateKept: ({ code }) =>
      log.error({ code: label(code) }, 'the new TLS certificate or key cannot be used, the old one stays'),
    coreFilesPossible: () =>
      log.warn('a crash could write the memory of this process, shares included, to a file: ulimit -c 0'),
    epochKeysMissing: ({ count }) =>
      log.warn({ count, code: 'EPOCH_KEY_MISSING' }, 'epoch keys are missing: these keys do not sign here'),
    epochKeysNotShared: ({ code }) =>
      log.error(
        { code: label(code) },
        code === 'EPOCH_KEYS_NOT_SHARED'
          ? 'a replica that was started later uses another folder of epoch keys: one does not sign with the new keys of the other'
          : 'another database has marked the folder of epoch keys of this server: no key of a ceremony is cleared away there',
      ),
    epochKeysMarkedAnew: () =>
      log.warn(
        'the folder of epoch keys was last used with another database, or with a later state of this one: it is used as it is',
      ),
    certificateDoubted: ({ why }) => log.warn(`the TLS certificate ${why}`),
    tlsKeyExposed: () => log.warn('others on this machine may read the TLS key: chmod 600'),
    arithmeticChosen: (backends) => {
      for (const { suite, backend, grade } of backends) {
        arithmetic.set({ suite: label(suite), backend: label(backend), grade }, 1);
      }
      const names = Object.fromEntries(backends.map(({ suite, backend }) => [suite, label(backend)]));
      const isSlow = backends.some(({ grade }) => grade === 'bigint');
      if (isSlow) log.warn(names, 'arithmetic whose time depends on secrets');
      else log.info(names, 'arithmetic');
    },
    sqliteOpened: ({ library, version }) => {
      sqlite.set({ library, version: label(version) }, 1);
      if (library === 'node')
        log.warn(
          { version: label(version), code: 'SQLITE_OF_NODE' },
          'the SQLite in use is that of Node itself, which calls it experimental: this Node is too old for the one that CKM brings',
        );
    },
    started: ({ storage: kind, sealed }) => log.info({ storage: kind, isSealed: sealed }, 'started'),
    stopped: () => log.info('stopped'),
    bug: (error) => {
      bugs.inc();
      log.error(
        { code: error instanceof CkmError ? label(error.code) : 'INTERNAL', places: placesOf(error) },
        'bug',
      );
    },
  };
}

/** 0.1 ms to 10 s. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10];

/** Only words that we could have written ourselves become labels. */
function label(text: string): string {
  return /^[A-Za-z0-9_.-]{0,64}$/.test(text) ? text : 'other';
}

/** The frames of a stack. Its first line, the message, could hold anything. */
function placesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.slice(0, 12).map((line) => line.trim());
}

function createGauges(registry: Registry): Gauges {
  return {
    add: (name, help, read) => {
      const gauge: Gauge = new Gauge({
        name: `ckm_${name}`,
        help,
        registers: [registry],
        async collect() {
          const value = await Promise.resolve()
            .then(read)
            .catch(() => null);
          // A number of before, or a zero, would be taken for that of now.
          if (typeof value === 'number') gauge.set(value);
          else gauge.remove();
        },
      });
    },
  };
}

function processGauges(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) => {
    const made: Gauge = new Gauge({ name, help, registers: [registry], collect: () => made.set(read()) });
  };
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge('process_uptime_seconds', 'Time since the process started', () => process.uptime());
}
