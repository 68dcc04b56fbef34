import { CkmError } from '@ckm/foundation';
import type { OutboxRow } from '../storage/storage.js';
import { passIfTampered } from '../storage/tampered-row.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import { pauseAfter } from './pauses.js';
import { REFUSED } from './refused.js';
import type { OutboxMeans, OutboxRecord, Way } from './way.js';

/** What one process sends by one way: one thing at a time. */
export interface Lane {
  /** Looks for what is due. */
  wake(): void;
  close(): Promise<void>;
}

/** Whoever takes something has so long, then another one may: longer than any way takes. Seconds. */
export const TAKEN_SECONDS = 120;
/** Nothing is ever due later than this. Where something is, a clock went back. Seconds. */
const LATEST_SECONDS = 7_200;
/** After a failure of a way whose things go out as one. */
const REST_MS = 30_000;
/** Another process was faster. */
const RACED_MS = 1_000;

interface Taken {
  readonly row: OutboxRow;
  readonly record: OutboxRecord;
}

export function createLane(means: OutboxMeans, name: string, way: Way): Lane {
  const { events } = means;
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let isAsked = false;
  let notBefore = 0;

  function schedule(): void {
    isAsked = true;
    if (running !== null || timer !== undefined || end.signal.aborted) return;
    timer = setTimeout(run, Math.max(0, notBefore - performance.now()));
    timer.unref();
  }

  function run(): void {
    timer = undefined;
    isAsked = false;
    running = sendSafely();
  }

  async function sendSafely(): Promise<void> {
    try {
      await sendDue();
    } catch (error) {
      const isRaced = error instanceof CkmError && error.code === 'ROW_CHANGED';
      if (!(error instanceof CkmError)) events.bug(error);
      else if (!isRaced) events.storageFailed(error);
      notBefore = performance.now() + (isRaced ? RACED_MS : REST_MS);
    }
    running = null;
    if (isAsked) schedule();
  }

  async function sendDue(): Promise<void> {
    const rest = await restOf(means, name, way);
    if (rest > 0) {
      notBefore = performance.now() + rest * 1_000;
      isAsked = true;
      return;
    }
    const taken = await take(means, name, way);
    if (taken.length === 0) return;
    const failure = await outcomeOf(way, taken, end.signal);
    if (end.signal.aborted && failure !== null) return putBack(means, taken);
    if (failure === null) {
      await noteSent(means, way, taken);
      events.noticeSent({ way: name });
      notBefore = performance.now() + way.everySeconds * 1_000;
    } else {
      events.noticeFailed({ way: name, code: failure });
      await noteFailed(means, taken, failure);
      if (way.most > 1) notBefore = performance.now() + Math.max(REST_MS, way.everySeconds * 1_000);
    }
    // What is due besides, or has come meanwhile.
    isAsked = true;
  }

  return {
    wake: schedule,
    close: async () => {
      clearTimeout(timer);
      end.abort();
      await running;
    },
  };
}

/** For how many seconds more nothing goes by a way, whichever process sent last. */
async function restOf({ storage, clock }: OutboxMeans, name: string, { everySeconds }: Way): Promise<number> {
  if (everySeconds === 0) return 0;
  const last = await storage.read(({ outbox }) => outbox.lastSent(name));
  const now = clock();
  // One of the future is of a clock that went back.
  return last === null || last > now ? 0 : Math.max(0, last + everySeconds - now);
}

/** Takes what is due, so that no other process sends it: of two that try, one finds rows that have changed. */
async function take(means: OutboxMeans, name: string, way: Way): Promise<readonly Taken[]> {
  const { storage, clock, vault, events } = means;
  return storage.transact(async ({ outbox }) => {
    const now = clock();
    const due: Taken[] = [];
    for (const row of await outbox.due(name, now, now + LATEST_SECONDS, way.most)) {
      await passIfTampered(events.storageFailed, async () => {
        due.push({ row, record: openRecord<OutboxRecord>(vault, 'outbox', row) });
      });
    }
    const contents = due.map(({ record }) => record.content);
    if (way.isLater?.(contents, now) === true) return [];
    const taken: Taken[] = [];
    for (const { row, record: before } of due) {
      const record = { ...before, tries: before.tries + 1, isTaken: true };
      const next = written(means, row, { dueAt: now + TAKEN_SECONDS }, record);
      await outbox.update(next);
      taken.push({ row: next, record });
    }
    return taken;
  });
}

/** Null: it was sent; else a code, in which nothing stands that came from outside. */
async function outcomeOf(way: Way, taken: readonly Taken[], signal: AbortSignal): Promise<string | null> {
  try {
    await way.send(
      taken.map(({ record }) => record.content),
      signal,
    );
    return null;
  } catch (error) {
    return error instanceof CkmError ? error.code : 'INTERNAL';
  }
}

/** One stands for all that went out together. */
async function noteSent(means: OutboxMeans, way: Way, [first, ...others]: readonly Taken[]): Promise<void> {
  const { storage, clock } = means;
  await storage.transact(async ({ outbox }) => {
    if (way.leavesNothing?.(first!.record.content) === true) {
      return outbox.remove(first!.row.owner, first!.row.id);
    }
    const sent = { ...first!.record, code: '', isTaken: false, content: null };
    await outbox.update(written(means, first!.row, { state: 'sent', dueAt: clock() }, sent));
    for (const { row } of others) await outbox.remove(row.owner, row.id);
  });
}

async function noteFailed(means: OutboxMeans, taken: readonly Taken[], code: string): Promise<void> {
  const { storage, clock } = means;
  await storage.transact(async ({ outbox }) => {
    for (const { row, record } of taken) {
      const pause = code === REFUSED ? null : pauseAfter(record.tries);
      const columns =
        pause === null ? ({ state: 'failed', dueAt: clock() } as const) : { dueAt: clock() + pause };
      await outbox.update(written(means, row, columns, { ...record, code, isTaken: false }));
    }
  });
}

/** The end of a process is no failure of what it was sending. */
async function putBack(means: OutboxMeans, taken: readonly Taken[]): Promise<void> {
  await means.storage.transact(async ({ outbox }) => {
    for (const { row, record } of taken) {
      const before = { ...record, tries: record.tries - 1, isTaken: false };
      await outbox.update(written(means, row, { dueAt: means.clock() }, before));
    }
  });
}

function written(
  { vault }: OutboxMeans,
  { sealed: _sealed, ...columns }: OutboxRow,
  changed: Partial<Pick<OutboxRow, 'state' | 'dueAt'>>,
  record: OutboxRecord,
): OutboxRow {
  const next = { ...columns, ...changed, version: columns.version + 1 };
  return sealRecord(vault, 'outbox', next, record);
}
