import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompiledQuery, Kysely, SqliteDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database, Queries } from './database.js';
import { migrate } from './migrations/migrate.js';
import { openFile } from './sqlite/driver.js';
import type { Handle } from './sqlite/handle.js';
import type { Reader, Transaction } from './storage.js';
import { readerOf, transactionOf } from './tables/repositories.js';

const owner = new Uint8Array(32).fill(1);
const id = new Uint8Array(32).fill(2);
const sealed = new Uint8Array(45);

let folder: string;
let handle: Handle;
let queries: Queries;
let asked: CompiledQuery[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-plans-'));
  handle = openFile(join(folder, 'ckm.sqlite'), { timeout: 0 });
  queries = new Kysely<Database>({
    dialect: new SqliteDialect({ database: handle }),
    log: ({ query }) => void asked.push(query),
  });
  await migrate(queries, 'sqlite');
});
afterAll(async () => {
  await queries.destroy();
  rmSync(folder, { recursive: true, force: true });
});

/** What SQLite says it will do for everything that `work` asks. */
async function plansOf(work: (all: Reader & Transaction) => Promise<unknown>): Promise<string[]> {
  asked = [];
  const execute = async (statement: CompiledQuery, parameters: readonly unknown[]) => {
    asked.push({ ...statement, parameters });
    return { rows: [], changed: 0 };
  };
  const reading = { kind: 'sqlite' as const, queries, execute };
  await work({
    ...readerOf(reading),
    ...transactionOf({ ...reading, usage: new Map(), committed: [] }),
  }).catch(() => undefined);
  return asked.flatMap(({ sql, parameters }) => {
    const rows = handle.prepare(`explain query plan ${sql}`).all(parameters) as {
      detail: string;
    }[];
    return rows.map(({ detail }) => detail);
  });
}

const row = { owner, version: 2, createdAt: 1, sealed };
const reads: Record<string, (all: Reader & Transaction) => Promise<unknown>> = {
  'accounts.find': ({ accounts }) => accounts.find(owner),
  'accounts.hold': ({ accounts }) => accounts.hold(owner),
  'accounts.holdShared': ({ accounts }) => accounts.holdShared(owner),
  'accounts.list': ({ accounts }) => accounts.list({ after: id, limit: 5 }),
  'invites.list': ({ invites }) => invites.list({ after: id, limit: 5 }),
  'invites.find': ({ invites }) => invites.find(id),
  'invites.withHashBetween': ({ invites }) => invites.withHashBetween(id, id, 2),
  'invites.removeUnused': ({ invites }) => invites.removeUnused(id),
  'messages.seen': ({ messages }) => messages.seen(owner, id),
  'messages.forgetExpired': ({ messages }) => messages.forgetExpired(5),
  'keys.find': ({ keys }) => keys.find(owner, id),
  'keys.withId': ({ keys }) => keys.withId(id),
  'keys.hold': ({ keys }) => keys.hold(owner, id),
  'keys.list': ({ keys }) => keys.list(owner, { after: id, limit: 5 }),
  'keys.count': ({ keys }) => keys.count(owner),
  'keys.countInUse': ({ keys }) => keys.countInUse(owner),
  'keys.withIdBetween': ({ keys }) => keys.withIdBetween(id, id, 2),
  'keys.listAll': ({ keys }) => keys.listAll({ owner, keyId: id }, 5),
  'keys.update': ({ keys }) => keys.update({ ...row, keyId: id, state: 'active', epoch: 0 }),
  'tightenings.find': ({ tightenings }) => tightenings.find(owner, id),
  'sessions.find': ({ sessions }) => sessions.find(owner, id),
  'sessions.listWaiting': ({ sessions }) => sessions.listWaiting(5, { sessionId: id, owner }, 5),
  'sessions.countListed': ({ sessions }) => sessions.countListed(5),
  'sessions.countOpen': ({ sessions }) => sessions.countOpen(owner),
  'sessions.listOpen': ({ sessions }) => sessions.listOpen(owner, 5),
  'sessions.overdue': ({ sessions }) => sessions.overdue(5, 5),
  'sessions.over': ({ sessions }) => sessions.over(5, { expiresAt: 1, owner, id }, 5),
  'sessions.remove': ({ sessions }) => sessions.remove(owner, id),
  'packets.list': ({ packets }) => packets.list(owner, id, 0),
  'packets.find': ({ packets }) => packets.find(owner, id, { round: 0, sender: 1, receiver: 0 }),
  'evidence.list': ({ evidence }) => evidence.list(owner, id),
  'requests.find': ({ requests }) => requests.find(owner, id),
  'requests.withId': ({ requests }) => requests.withId(id),
  'requests.listWaiting': ({ requests }) => requests.listWaiting(5, null, 5),
  'requests.listWaiting behind': ({ requests }) =>
    requests.listWaiting(5, { createdAt: 1, requestId: id, owner }, 5),
  'requests.countListed': ({ requests }) => requests.countListed(5),
  'requests.waitingWithIdBetween': ({ requests }) => requests.waitingWithIdBetween(id, id, 5, 5),
  'requests.withIdBetween': ({ requests }) => requests.withIdBetween(id, id, 5),
  'requests.waitingOf': ({ requests }) => requests.waitingOf(owner, 5, 5),
  'requests.countWaiting': ({ requests }) => requests.countWaiting(owner),
  'requests.usesOf': ({ requests }) => requests.usesOf(owner, id, 5, 5),
  'requests.countForKey': ({ requests }) => requests.countForKey(owner, id, 5, 5),
  'requests.ofKey': ({ requests }) => requests.ofKey(owner, id, 5),
  'requests.overdue': ({ requests }) => requests.overdue(5, 5),
  'requests.over': ({ requests }) => requests.over(5, { expiresAt: 1, owner, id }, 5),
  'requests.remove': ({ requests }) => requests.remove(owner, id),
  'attempts.list': ({ attempts }) => attempts.list(owner, id),
  'attempts.find': ({ attempts }) => attempts.find(owner, id, 1),
  'changes.listWaitingOf': ({ changes }) => changes.listWaitingOf(owner, id, id),
  'changes.remove': ({ changes }) => changes.remove(owner, id, 0),
  'changes.listOf': ({ changes }) => changes.listOf(owner, id),
  'shownEpochs.find': ({ shownEpochs }) => shownEpochs.find(owner, id, 0, id),
  'shownEpochs.newest': ({ shownEpochs }) => shownEpochs.newest(owner, id),
  'shownEpochs.ofNextKey': ({ shownEpochs }) => shownEpochs.ofNextKey({ owner, keyId: id }),
  'shownEpochs.removeAll': ({ shownEpochs }) => shownEpochs.removeAll(owner, id),
  'devices.find': ({ devices }) => devices.find(owner, { generation: 0, number: 1 }, false),
  'devices.behind': ({ devices }) => devices.behind(owner, { generation: 0, number: 1 }, 5),
  'devices.twice': ({ devices }) => devices.twice(owner, 5),
  'youngDevices.of': ({ youngDevices }) => youngDevices.of(owner),
  'youngDevices.listAll': ({ youngDevices }) => youngDevices.listAll({ owner, id }, 5),
  'youngDevices.remove': ({ youngDevices }) => youngDevices.remove(owner, id),
  'devices.removeBefore': ({ devices }) => devices.removeBefore(owner, 1),
  'outbox.find': ({ outbox }) => outbox.find(owner, id),
  'outbox.due': ({ outbox }) => outbox.due('webhook', 5, 9, 5),
  'outbox.lastSent': ({ outbox }) => outbox.lastSent('webhook'),
  'outbox.countWaiting': ({ outbox }) => outbox.countWaiting(owner, 'webhook', 5),
  'outbox.countAll': ({ outbox }) => outbox.countAll('failed'),
  'outbox.oldestWaiting': ({ outbox }) => outbox.oldestWaiting(),
  'outbox.list': ({ outbox }) => outbox.list({ owner, id }, 5),
  'outbox.remove': ({ outbox }) => outbox.remove(owner, id),
  'outbox.forget': ({ outbox }) => outbox.forget(5),
  'deposits.find': ({ deposits }) => deposits.find(owner, id),
  'deposits.of': ({ deposits }) => deposits.of(owner, 5),
  'deposits.remove': ({ deposits }) => deposits.remove(owner, id),
  'terms.find': ({ terms }) => terms.find(owner, id, 1, false),
  'totals.find': ({ totals }) => totals.find(owner, id, 1),
  'totals.last': ({ totals }) => totals.last(owner, id),
  'totals.lastBy': ({ totals }) => totals.lastBy(owner, id, 5),
  'totals.removeBefore': ({ totals }) => totals.removeBefore(owner, id, 5),
  'terms.twice': ({ terms }) => terms.twice(owner, id),
  'terms.listWaiting': ({ terms }) => terms.listWaiting({ owner, keyId: id, number: 1 }, 5),
  'life.find': ({ life }) => life.find(owner, id),
  'life.listAll': ({ life }) => life.listAll({ owner, keyId: id }, 5),
  'keyDevices.find': ({ keyDevices }) => keyDevices.find(owner, id, { generation: 0, number: 1 }, false),
  'keyDevices.last': ({ keyDevices }) => keyDevices.last(owner, id),
  'keyDevices.behind': ({ keyDevices }) => keyDevices.behind(owner, id, { generation: 0, number: 1 }, 5),
  'keyDevices.removeBefore': ({ keyDevices }) => keyDevices.removeBefore(owner, id, 1),
  'provenDevices.of': ({ provenDevices }) => provenDevices.of(owner, id),
  'provenDevices.remove': ({ provenDevices }) => provenDevices.remove(owner, id, id),
  'matters.find': ({ matters }) => matters.find({ owner, matter: 'request', matterId: id }),
  'matters.countWaiting': ({ matters }) => matters.countWaiting(owner),
  'matters.countWaiting of all': ({ matters }) => matters.countWaiting(null),
  'matters.waitingOf': ({ matters }) => matters.waitingOf(owner, 5),
  'matters.overdue': ({ matters }) => matters.overdue(5, 5),
  'matters.hold': ({ matters }) => matters.hold({ owner, matter: 'request', matterId: id }),
  'matters.remove': ({ matters }) => matters.remove({ owner, matter: 'request', matterId: id }),
  'matterPayloads.find': ({ matterPayloads }) =>
    matterPayloads.find({ owner, matter: 'request', matterId: id }),
  'matterPayloads.remove': ({ matterPayloads }) =>
    matterPayloads.remove({ owner, matter: 'request', matterId: id }),
  'votes.of': ({ votes }) => votes.of({ owner, matter: 'request', matterId: id }),
  'asked.list': ({ asked }) => asked.list(owner, id, 5),
  'asked.listOf': ({ asked }) => asked.listOf(owner, { owner, keyId: id }, id, 5),
  'asked.find': ({ asked }) => asked.find(owner, { matter: 'request', matterId: id, keyId: id }, 5),
  'asked.removeAll': ({ asked }) => asked.removeAll({ owner, matter: 'request', matterId: id }),
  'contacts.of': ({ contacts }) => contacts.of(owner, 5),
  'contacts.withHandle': ({ contacts }) => contacts.withHandle(id, 5),
  'contacts.listAll': ({ contacts }) => contacts.listAll({ owner, id }, 5),
  'contacts.remove': ({ contacts }) => contacts.remove(owner, id),
  'recoveries.find': ({ recoveries }) => recoveries.find(id),
  'recoveries.of': ({ recoveries }) => recoveries.of(owner, 'waiting', 5),
  'recoveries.listAll': ({ recoveries }) => recoveries.listAll(id, 5),
  'recoveries.remove': ({ recoveries }) => recoveries.remove(id),
  'recoveryTries.find': ({ recoveryTries }) => recoveryTries.find(id),
  'recoveryTries.forget': ({ recoveryTries }) => recoveryTries.forget(5),
  'epochs.find': ({ epochs }) => epochs.find(owner, id, 0),
  'shares.find': ({ shares }) => shares.find(owner, id, 0),
  'shares.listAll': ({ shares }) => shares.listAll({ owner, keyId: id, epoch: 0 }, 5),
  'audit.list': ({ audit }) => audit.list(5, 5),
  bytesOf: ({ bytesOf }) => bytesOf(owner),
};

describe('no question makes the database read a whole table, however many keys there are', () => {
  for (const [name, work] of Object.entries(reads)) {
    test(name, async () => {
      const plans = await plansOf(work);
      expect(plans.length).toBeGreaterThan(0);
      // A limited inner result and a partial index of what waits are scanned, and so they should be.
      expect(
        plans.filter(
          (plan) =>
            plan.startsWith('SCAN') &&
            !/^SCAN (recent|\(subquery|(requests|sessions) USING (COVERING )?INDEX \2_waiting(_by_expiry)?$)/.test(
              plan,
            ),
        ),
      ).toEqual([]);
      expect(plans.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
    });
  }
});
