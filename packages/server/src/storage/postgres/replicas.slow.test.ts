import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { secret } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAuditLog } from '../../audit/create-audit-log.js';
import { connectOperator } from '../../control/connect-operator.js';
import { startServer } from '../../server/start-server.js';
import { createPolicy } from '../../policy/create-policy.js';
import { createOutbox, type Outbox } from '../../outbox/outbox.js';
import { NOON, person, random } from '../../test/rooms.js';
import { postTo, startTestServer } from '../../test/test-server.js';
import { createVault } from '../../vault/create-vault.js';
import type { Reader, Storage } from '../storage.js';
import { openPostgres } from './postgres.js';

const alice = new Uint8Array(32).fill(0xa1);
const keyId = new Uint8Array(32).fill(2);
const id = (number: number) => new Uint8Array(32).fill(number);
const sealed = new Uint8Array(60);
const vault = createVault({ epoch: 1, key: secret(random(32)) }, random);

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';

describe.skipIf(!isHere)(`two replicas of one server on one PostgreSQL${reason}`, () => {
  let cluster: PostgresCluster;
  const opened: Storage[] = [];

  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close();
  });

  async function open(url: string): Promise<Storage> {
    const storage = await openPostgres({ url });
    opened.push(storage);
    return storage;
  }

  async function openTwo(): Promise<{ url: string; first: Storage; second: Storage }> {
    const url = await cluster.createDatabase();
    const [first, second] = await Promise.all([open(url), open(url)]);
    await first!.transact(async ({ accounts, keys }) => {
      await accounts.insert({ xid: alice, status: 'active', version: 1, openedAt: 0, sealed });
      await keys.insert({ owner: alice, keyId, state: 'active', epoch: 0, version: 1, createdAt: 0, sealed });
    });
    return { url, first: first!, second: second! };
  }

  test('whoever forgets what was shown of a key and whoever goes on from it wait for each other', async () => {
    const { first, second } = await openTwo();
    const row = { owner: alice, keyId: id(5), epoch: 0, name: id(1), sealed };
    await first.transact(({ shownEpochs }) => shownEpochs.insert(row));
    const done: string[] = [];
    const gate = new AbortController();
    const held = once(gate.signal, 'abort');
    const forgotten = first.transact(async ({ shownEpochs }) => {
      await shownEpochs.hold(alice, row.keyId);
      gate.abort();
      await setTimeout(100);
      await shownEpochs.removeAll(alice, row.keyId);
      done.push('forgotten');
    });
    await held;
    const found = await second.transact(async ({ shownEpochs }) => {
      await shownEpochs.hold(alice, row.keyId);
      done.push('held');
      return shownEpochs.find(alice, row.keyId, row.epoch, row.name);
    });
    await forgotten;
    expect([found, done]).toEqual([null, ['forgotten', 'held']]);
  });

  test('of two that ask for the last place of a rate limit at once, one gets it', async () => {
    const { first, second } = await openTwo();
    const operator = { kinds: null, rateLimit: null, blindAllowed: true, approval: 'automatic' as const };
    const policy = createPolicy({ vault, operator: { ...operator, changeDelay: 0 } });
    const owned = {
      ...operator,
      kinds: ['message'],
      rateLimit: { count: 1, perSeconds: 60 },
      expiresAt: null,
    };
    const ask = (storage: Storage, number: number) =>
      storage.transact(async (transaction) => {
        const times = { createdAt: NOON, expiresAt: NOON + 9 };
        const facts = {
          owner: alice,
          keyId,
          tightened: 0,
          counting: null,
          kind: 'message',
          blind: false,
          expiresAt: NOON + 9,
          now: NOON,
          facts: {},
          said: null,
        };
        const { verdict } = await policy.decide(transaction, owned, facts);
        const ids = { owner: alice, requestId: id(number), keyId };
        if (verdict === 'allow') {
          await transaction.requests.insert({
            ...ids,
            ...times,
            state: 'ready',
            waiting: false,
            version: 1,
            sealed,
          });
        }
        return verdict;
      });
    const verdicts = await Promise.all([ask(first, 1), ask(second, 2), ask(first, 3), ask(second, 4)]);
    expect(verdicts.filter((verdict) => verdict === 'allow')).toHaveLength(1);
  });

  test('what goes out is sent by one of them, and is counted in both', async () => {
    const { first, second } = await openTwo();
    const gone: number[] = [];
    const failed: string[] = [];
    const events = {
      noticeSent: () => undefined,
      noticeFailed: ({ code }: { code: string }) => void failed.push(code),
      storageFailed: ({ code }: { code: string }) => void failed.push(code),
      bug: (error: unknown) => void failed.push(String(error)),
    };
    const send = (contents: readonly unknown[]) => Promise.resolve(void gone.push(Number(contents[0])));
    const ways = new Map([['pigeon', { most: 1, everySeconds: 0, send }]]);
    const [one, other] = [first, second].map((storage) =>
      createOutbox({ storage, vault, clock: () => NOON, random, events }, ways),
    ) as [Outbox, Outbox];
    try {
      for (let content = 0; content < 10; content++) {
        await first.transact((transaction) => one.put(transaction, { owner: alice, way: 'pigeon', content }));
        await other.sweep();
      }
      const counts = ({ outbox }: Reader) =>
        Promise.all([outbox.countAll('sent'), outbox.countAll('waiting')]);
      await expect
        .poll(
          async () => {
            await Promise.all([one.sweep(), other.sweep()]);
            return second.read(counts);
          },
          { timeout: 60_000, interval: 200 },
        )
        .toEqual([10, 0]);
      expect(gone.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(failed).toEqual([]);
    } finally {
      await one.close();
      await other.close();
    }
  }, 90_000);

  test('one audit chain for both, whoever writes', async () => {
    const { first, second } = await openTwo();
    const audit = createAuditLog({ vault, clock: () => NOON, random });
    const write = (storage: Storage, detail: string) =>
      storage.transact((transaction) =>
        audit.append(transaction, {
          deed: 'test',
          who: null,
          keyId: null,
          subject: null,
          sentence: 'Write',
          verdict: 'done',
          policy: '',
          detail,
        }),
      );
    await write(first, 'first');
    await Promise.all(
      Array.from({ length: 20 }, (_, number) => write(number % 2 ? first : second, `${number}`)),
    );
    expect(await audit.verify(second)).toMatchObject({ ok: true, entries: 21 });
  });

  test('a message that one answered is not answered by the other', async () => {
    const variables = {
      CKM_DATABASE_URL: await cluster.createDatabase(),
      CKM_ALLOW_INSPECT: '1',
      CKM_LOG_LEVEL: 'silent',
    };
    const alpha = await startTestServer({ start: { variables } });
    const copy = `${alpha.dataDir}-2`;
    cpSync(alpha.dataDir, copy, { recursive: true, filter: (path) => !path.endsWith('control.sock') });
    const replica = await startServer({ dataDir: copy, variables, nowMs: () => alpha.now * 1_000 });
    try {
      const client = await alpha.as(person(1)).join();
      const message = client.seal('server.describe', {});
      client.read('server.describe', await postTo(replica, message));
      const again = await client.post(message);
      expect(() => client.read('server.describe', again)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
      );
      expect(await connectOperator(copy).verifyAudit()).toMatchObject({ ok: true, entries: 3 });
    } finally {
      await replica.close();
      await alpha.remove();
      rmSync(copy, { recursive: true, force: true });
    }
  });

  test('a database that is not there is named, without its password', async () => {
    const url = 'postgres://ckm:canary-password@/none?host=/nowhere';
    const failure = await openPostgres({ url }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      errorClass: 'StorageError',
      code: 'STORAGE_UNREACHABLE',
      retryable: true,
    });
    expect(String(failure)).not.toContain('canary');
  });
});
