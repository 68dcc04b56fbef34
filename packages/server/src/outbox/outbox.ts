import type { Mailbox } from '../context.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { OutboxRow, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import { createLane, type Lane } from './lane.js';
import type { OutboxMeans, OutboxRecord, Way } from './way.js';

/** What goes out to people. It is kept with what it tells of, and is tried until it has gone. */
export interface Outbox extends Mailbox {
  /** Tries what is due, and forgets what is old. Called every few seconds. */
  sweep(): Promise<void>;
  /** Sends nothing more, ends what is being sent, and puts that back. */
  close(): Promise<void>;
}

/** Of one owner by one way. */
const MOST_WAITING = 1_000;
/** What was sent, given up, or is due by a way that is not there any more, is kept for so long. Seconds. */
const KEPT_SECONDS = 2_592_000;
const FORGET_EVERY_MS = 3_600_000;

/** @param ways by their names */
export function createOutbox(means: OutboxMeans, ways: ReadonlyMap<string, Way>): Outbox {
  const { storage, vault, clock, random } = means;
  const lanes = new Map<string, Lane>();
  for (const [name, way] of ways) lanes.set(name, createLane(means, name, way));
  let forgottenAt = -Infinity;
  return {
    put: async (transaction, { owner, way, content }, more = 0) => {
      const most = MOST_WAITING + more;
      if ((await transaction.outbox.countWaiting(owner, way, most)) >= most) return false;
      const now = clock();
      const columns = {
        owner,
        id: random(32),
        way,
        state: 'waiting',
        dueAt: now,
        version: 1,
        createdAt: now,
      } as const;
      const record: OutboxRecord = { tries: 0, code: '', isTaken: false, content };
      await transaction.outbox.insert(sealRecord(vault, 'outbox', columns, record));
      transaction.whenCommitted(() => lanes.get(way)?.wake());
      return true;
    },
    sweep: async () => {
      for (const lane of lanes.values()) lane.wake();
      const now = performance.now();
      if (now - forgottenAt < FORGET_EVERY_MS) return;
      forgottenAt = now;
      await storage.transact(({ outbox }) => outbox.forget(clock() - KEPT_SECONDS));
    },
    close: async () => {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}

/** One thing in the outbox, as its operator sees it. */
export interface OutboxEntry extends Omit<OutboxRow, 'sealed'> {
  readonly tries: number;
  /** Why it did not go the last time; empty: it was not tried, or it went. */
  readonly code: string;
}

/** By owner and id, behind `after`. */
export async function listOutbox(
  { storage, vault, events }: Pick<OutboxMeans, 'storage' | 'vault' | 'events'>,
  after: Pick<OutboxRow, 'owner' | 'id'> | null,
  limit: number,
): Promise<{
  readonly found: readonly OutboxEntry[];
  readonly next: Pick<OutboxRow, 'owner' | 'id'> | null;
}> {
  const rows = await storage.read(({ outbox }) => outbox.list(after, limit));
  const found: OutboxEntry[] = [];
  for (const row of rows) {
    await passIfTampered(events.storageFailed, async () => {
      const { tries, code } = openRecord<OutboxRecord>(vault, 'outbox', row);
      const { sealed: _sealed, ...columns } = row;
      found.push({ ...columns, tries, code });
    });
  }
  return { found, next: rows.length < limit ? null : rows.at(-1)! };
}

const PAGE = 100;

/** Has everything that failed tried anew, from now on. @returns how much that is */
export async function retryOutbox(
  { vault, clock, events }: Pick<OutboxMeans, 'vault' | 'clock' | 'events'>,
  { outbox }: Transaction,
): Promise<number> {
  let count = 0;
  for (let after: OutboxRow | null = null; ;) {
    const rows: readonly OutboxRow[] = await outbox.list(after, PAGE);
    for (const row of rows) {
      await passIfTampered(events.storageFailed, async () => {
        const { sealed: _sealed, ...columns } = row;
        const record = openRecord<OutboxRecord>(vault, 'outbox', row);
        if (row.state === 'sent' || record.isTaken || record.code === '') return;
        const next = { ...columns, state: 'waiting', dueAt: clock(), version: row.version + 1 } as const;
        await outbox.update(sealRecord(vault, 'outbox', next, { ...record, tries: 0 }));
        count++;
      });
    }
    if (rows.length < PAGE) return count;
    after = rows.at(-1)!;
  }
}
