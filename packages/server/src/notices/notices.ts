import { CkmError, encodeHex, formatMoment } from '@ckm/foundation';
import type { AuditLine } from '../audit/audit.js';
import type { NotifyConfig } from '../config/config.js';
import type { Events } from '../events.js';
import { callWebhook } from './call-webhook.js';
import type { Notice } from './notice.js';
import { runCommand } from './run-command.js';

/** Tells the operator, outside of the server, that something waits. Never keeps anybody waiting for that. */
export interface Notices {
  /** Is told of every entry of the audit log, once it is committed. Must not throw, and does not. */
  note(line: AuditLine): void;
  /** Sends nothing more, and ends what is being sent. */
  close(): void;
}

export interface NoticeMeans {
  readonly config: NotifyConfig;
  /** The server's name. */
  readonly name: string;
  readonly events: Pick<Events, 'noticeSent' | 'noticeFailed'>;
  countWaiting(): Promise<number>;
}

type Way = 'command' | 'webhook';
type Send = (notice: Notice, signal: AbortSignal) => Promise<void>;

/** A notice that failed is tried again so often, and not sooner than after so long. */
const MOST_TRIES = 5;
const LEAST_MS_AFTER_FAILURE = 30_000;

export function createNotices(means: NoticeMeans): Notices {
  const { command, webhook, everySeconds } = means.config;
  const everyMs = everySeconds * 1_000;
  const ways: Notices[] = [];
  if (command !== null) {
    ways.push(createWay(means, 'command', everyMs, (notice, signal) => runCommand(command, notice, signal)));
  }
  if (webhook !== null) {
    const told = (notice: Notice) => (webhook.sentence ? notice : { ...notice, sentence: null });
    ways.push(
      createWay(means, 'webhook', everyMs, (notice, signal) => callWebhook(webhook, told(notice), signal)),
    );
  }
  return {
    note: (line) => {
      if (isWorthNotice(line)) for (const way of ways) way.note(line);
    },
    close: () => {
      for (const way of ways) way.close();
    },
  };
}

function isWorthNotice(line: AuditLine): boolean {
  return line.verdict === 'asked' || isGrave(line);
}

/** What has happened already, and is told whatever else waits. */
const GRAVE: Readonly<Record<string, Notice['event']>> = {
  'key.stopped': 'stopped',
  'key.exported': 'exported',
};

function isGrave({ deed }: AuditLine): boolean {
  return GRAVE[deed] !== undefined;
}

/** Of two lines the one that a notice names: whoever cheated can ask for things afterwards, and must not hide that by it. */
function weightier(earlier: AuditLine, later: AuditLine): AuditLine {
  return isGrave(earlier) && !isGrave(later) ? earlier : later;
}

interface Pending {
  readonly line: AuditLine;
  readonly others: number;
  readonly tries: number;
}

/** One way out: one notice at a time, not more often than `everyMs`; what comes between is counted in the next one. */
function createWay(means: NoticeMeans, way: Way, everyMs: number, send: Send): Notices {
  const end = new AbortController();
  let pending: Pending | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isSending = false;
  let notBefore = 0;

  function schedule(): void {
    if (pending === null || isSending || timer !== undefined || end.signal.aborted) return;
    timer = setTimeout(() => void sendPending(), Math.max(0, notBefore - performance.now()));
    timer.unref();
  }

  async function sendPending(): Promise<void> {
    timer = undefined;
    const taken = pending;
    if (taken === null) return;
    pending = null;
    isSending = true;
    const failure = await outcomeOf(means, taken, send, end.signal);
    isSending = false;
    if (failure === null) means.events.noticeSent({ way });
    else if (!end.signal.aborted) means.events.noticeFailed({ way, code: failure });
    notBefore = performance.now() + (failure === null ? everyMs : Math.max(everyMs, LEAST_MS_AFTER_FAILURE));
    if (failure !== null && taken.tries + 1 < MOST_TRIES) pending = joined(taken, pending);
    schedule();
  }

  return {
    note: (line) => {
      pending =
        pending === null
          ? { line, others: 0, tries: 0 }
          : { line: weightier(pending.line, line), others: pending.others + 1, tries: pending.tries };
      schedule();
    },
    close: () => {
      clearTimeout(timer);
      end.abort();
    },
  };
}

/** What failed goes along with what has come since. */
function joined(failed: Pending, newer: Pending | null): Pending {
  const tries = failed.tries + 1;
  if (newer === null) return { ...failed, tries };
  return { line: weightier(failed.line, newer.line), others: newer.others + failed.others + 1, tries };
}

/** Null: it was sent; else a code, in which nothing stands that came from outside. */
async function outcomeOf(
  { name, countWaiting }: NoticeMeans,
  { line, others }: Pending,
  send: Send,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { deed, at, sentence, subject, keyId, who } = line;
    await send(
      {
        event: GRAVE[deed] ?? 'waiting',
        server: name,
        at: formatMoment(at),
        waiting: await countWaiting(),
        others,
        id: short(subject),
        key: short(keyId),
        account: short(who),
        sentence,
      },
      signal,
    );
    return null;
  } catch (error) {
    return error instanceof CkmError ? error.code : 'INTERNAL';
  }
}

function short(id: Uint8Array | null): string {
  return id === null ? '' : encodeHex(id).slice(0, 8);
}
