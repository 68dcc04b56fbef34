import { cpSync, rmSync } from 'node:fs';
import { secret } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAuditLog } from '../../audit/create-audit-log.js';
import { connectOperator } from '../../control/connect-operator.js';
import { startServer } from '../../main.js';
import { createPolicy } from '../../policy/create-policy.js';
import { NOON, person, random } from '../../test/rooms.js';
import { postTo, startTestServer } from '../../test/test-server.js';
import { createVault } from '../../vault/create-vault.js';
import type { NonceRow, Storage } from '../storage.js';
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
    const storage = await openPostgres({ url, random, retryMs: 20 });
    opened.push(storage);
    return storage;
  }

  async function openTwo(): Promise<{ url: string; first: Storage; second: Storage }> {
    const url = await cluster.createDatabase();
    const [first, second] = await Promise.all([open(url), open(url)]);
    await first!.transact(async ({ accounts, keys }) => {
      await accounts.insert({ xid: alice, status: 'active', version: 1, openedAt: 0, sealed });
      await keys.insert({ owner: alice, keyId, state: 'active', version: 1, createdAt: 0, sealed });
    });
    return { url, first: first!, second: second! };
  }

  const nonce = (number: number, instance: Uint8Array): NonceRow => ({
    owner: alice,
    keyId,
    nonceId: id(number),
    instance,
    sealed,
  });
  const publish = (storage: Storage, ...numbers: number[]) =>
    storage.transact(({ nonces }) =>
      nonces.insert(numbers.map((number) => nonce(number, storage.instance()))),
    );
  const take = (storage: Storage, number: number) =>
    storage.transact(({ nonces }) => nonces.take(alice, keyId, [id(number)]));
  const count = (storage: Storage) => storage.read(({ nonces }) => nonces.count(alice, keyId));

  test('V36: a nonce that one published is taken by either, and by one only', async () => {
    const { first, second } = await openTwo();
    await publish(first, 1, 2);
    expect(await count(second)).toBe(2);
    const outcomes = await Promise.all([take(first, 1), take(second, 1), take(second, 1), take(first, 1)]);
    expect(outcomes.filter((taken) => taken !== null)).toHaveLength(1);
    expect(await take(second, 2)).toHaveLength(1);
    expect(await take(first, 2)).toBeNull();
  });

  test('V36: a transaction that was rolled back gives its nonce back to nobody but the next', async () => {
    const { first, second } = await openTwo();
    await publish(first, 1);
    const failing = first.transact(async ({ nonces }) => {
      await nonces.take(alice, keyId, [id(1)]);
      throw new Error('no share left');
    });
    await expect(failing).rejects.toThrow('no share left');
    expect(await take(second, 1)).toHaveLength(1);
  });

  test('V36: when one ends, its nonces are void for the other', async () => {
    const { first, second } = await openTwo();
    await publish(first, 1);
    await publish(second, 2);
    await first.close();
    expect(await count(second)).toBe(1);
    expect(await take(second, 1)).toBeNull();
    expect(await second.forgetDeadInstances()).toBe(1);
    expect(await take(second, 2)).toHaveLength(1);
  });

  test('V36: nonces in a restored copy of the database are void', async () => {
    const { url, first, second } = await openTwo();
    await publish(first, 1);
    await Promise.all([first.close(), second.close()]);
    const copy = await open(await cluster.copyDatabase(url));
    expect(await count(copy)).toBe(0);
    expect(await take(copy, 1)).toBeNull();
  });

  test('V36: whoever loses its connection gets another name, and what it published is void', async () => {
    const { url, first } = await openTwo();
    await publish(first, 1);
    const before = first.instance();
    await cluster.disconnectAll(url);
    await vi.waitFor(() => expect(first.instance()).not.toEqual(before), 5_000);
    expect(await count(first)).toBe(0);
    expect(await take(first, 1)).toBeNull();
    await publish(first, 2);
    expect(await take(first, 2)).toHaveLength(1);
  });

  test('of two that ask for the last place of a rate limit at once, one gets it', async () => {
    const { first, second } = await openTwo();
    const operator = { kinds: null, rateLimit: null, blindAllowed: true, approval: 'automatic' as const };
    const policy = createPolicy({ vault, operator });
    const owned = {
      ...operator,
      kinds: ['message'],
      rateLimit: { count: 1, perSeconds: 60 },
      expiresAt: null,
    };
    const ask = (storage: Storage, number: number) =>
      storage.transact(async (transaction) => {
        const times = { createdAt: NOON, expiresAt: NOON + 9 };
        const facts = { owner: alice, keyId, kind: 'message', blind: false, expiresAt: NOON + 9, now: NOON };
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
    const failure = await openPostgres({ url, random }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      errorClass: 'StorageError',
      code: 'STORAGE_UNREACHABLE',
      retryable: true,
    });
    expect(String(failure)).not.toContain('canary');
  });
});
