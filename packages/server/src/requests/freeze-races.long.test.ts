// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  deviceId,
  deviceKey,
  firstKeyDevices,
  type KeyTerms,
  nextDevices,
  signDevices,
  signFreeze,
} from '@ckm/api';
import { type CkmError, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, messageOf } from '../sessions/test/bare-servers.js';
import { letIn } from '../sessions/test/listed-device.js';
import { giveTerms } from '../sessions/test/given-terms.js';

const DAY = 86_400;
const network = createBareServers();
const hasPostgres = postgresPrograms() !== null;
const random = () => new Uint8Array(randomBytes(32));
const someone = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
const [owner, laptop, bob] = [someone(1), someone(2), someone(3)];
const terms: Partial<KeyTerms> = {
  ownerKey: owner.publicKeys.signing.bytes,
  approvers: [{ name: 'bob', xid: bob.xid, keys: [{ kind: 'ed25519', key: bob.publicKeys.signing.bytes }] }],
};
const codeOf = (error: unknown) => (error as CkmError).code;
/** Of each signer: each takes another key, since a frozen one is frozen. */
const ROUNDS = 12;

/** Who stops a key, and how. */
const SIGNERS = {
  'the account': null,
  'the words': { who: owner, isPaper: false },
  'a device': { who: laptop, isPaper: false },
  'an approver': { who: bob, isPaper: false },
  'a paper': { who: owner, isPaper: true },
} as const satisfies Record<string, { readonly who: Identity; readonly isPaper: boolean } | null>;

describe.each(hasPostgres ? ['SQLite', 'PostgreSQL, as two replicas'] : ['SQLite'])('on %s', (kind) => {
  const isReplicated = kind !== 'SQLite';
  let cluster: PostgresCluster | undefined;
  const folders: string[] = [];
  beforeAll(async () => {
    if (isReplicated) cluster = await startPostgres();
  }, 120_000);
  afterEach(() => network.close());
  afterAll(async () => {
    await cluster?.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** Alpha, by two doors where it has replicas, and bravo. */
  async function open() {
    const url = await cluster?.createDatabase();
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      name: 'alpha',
      seed: random(),
      storageKey: random(),
      ...(url === undefined ? {} : { databaseUrl: url, settings: { epochKeys } }),
    };
    const first = await network.open(shared);
    const second = isReplicated ? await network.open(shared) : first;
    const bravo = await network.open({ name: 'bravo' });
    const callers = [await first.as(alice), await bravo.as(alice)];
    const [account, carrier] = [await second.as(alice), await second.as(mallory)];
    return { first, second, bravo, callers, account, carrier };
  }

  test.each(Object.keys(SIGNERS) as (keyof typeof SIGNERS)[])(
    'P11: races with release on both databases, by each of the signers: %s',
    async (name) => {
      const { first, callers, account, carrier } = await open();
      const signer = SIGNERS[name];
      const seen = { released: 0, kept: 0 };
      const device = await letIn(first, alice, 101, []);
      for (let round = 0; round < ROUNDS; round++) {
        const { keyId, signer: quorum } = await makeKey(callers);
        await giveTerms(first.context, alice.xid, keyId, terms);
        const list = nextDevices(
          firstKeyDevices(keyId, owner.publicKeys),
          [deviceKey(laptop.publicKeys, [])],
          deviceId(owner.publicKeys),
        );
        await callers[0]!.call('key.devices', { keyId, links: [signDevices(list, owner)], after: null });
        await device.wish(keyId, laptop);
        const times = { from: TEST_TIME, until: TEST_TIME + DAY };
        const freeze = async (): Promise<unknown> => {
          if (signer === null) return account.call('key.freeze', { keyId, id: random(), ...times });
          const { who, isPaper } = signer;
          const signed = signFreeze(who, { keyId, id: random(), times: isPaper ? null : times });
          return carrier.call('freeze.carry', { freeze: signed });
        };
        const ask = { ...messageOf(`round ${round}`), requestId: random() };
        const attempt = await quorum.prepare([1, 2]);
        const isFirst = round % 2 === 0;
        const release = () => quorum.request(1, ask, { attempt });
        const both = isFirst
          ? await Promise.allSettled([freeze(), release()])
          : (await Promise.allSettled([release(), freeze()])).toReversed();
        const [frozen, reply] = both as [PromiseSettledResult<unknown>, Awaited<typeof both>[number]];
        expect(frozen.status).toBe('fulfilled');
        if (reply.status === 'rejected') {
          expect(codeOf(reply.reason)).toBe('POLICY_KEY_FROZEN');
          seen.kept++;
        } else seen.released++;
        // Behind the freeze nothing more leaves, whoever asks and by whichever door.
        const later = await quorum
          .request(1, { ...messageOf('later'), requestId: random() }, {})
          .then(({ state }) => state, codeOf);
        expect(later).toBe('POLICY_KEY_FROZEN');
        const other = { ...messageOf('by the other door'), requestId: random(), keyId, epoch: 0 };
        const there = account.call('request.ask', {
          ...other,
          expiresAt: TEST_TIME + 60,
          attempt: null,
          wanted: null,
        });
        expect(await there.then(({ state }) => state, codeOf)).toBe('POLICY_KEY_FROZEN');
      }
      expect(seen.released + seen.kept).toBe(ROUNDS);
    },
    300_000,
  );

  test('P11: a freeze of the whole account races with release on both databases, by its words and by a device: behind it nothing more leaves, whoever asks', async () => {
    const { first, second, callers, account } = await open();
    const device = await letIn(first, alice, 102, ['use']);
    const phone = second.asDevice(createIdentity(secret(new Uint8Array(32).fill(102)), alice.xid));
    const { keyId, signer } = await makeKey(callers);
    const seen = { released: 0, kept: 0 };
    for (let round = 0; round < 2 * ROUNDS; round++) {
      const by = round % 4 < 2 ? account : phone;
      const statement = { id: random(), from: TEST_TIME, until: TEST_TIME + 3_600 };
      const freeze = () => by.call('account.freeze', statement);
      const ask = { ...messageOf(`round ${round}`), requestId: random() };
      const attempt = await signer.prepare([1, 2]);
      const release = () => signer.request(1, ask, { attempt });
      const isFirst = round % 2 === 0;
      const both = isFirst
        ? await Promise.allSettled([freeze(), release()])
        : (await Promise.allSettled([release(), freeze()])).toReversed();
      const [frozen, reply] = both as [PromiseSettledResult<unknown>, (typeof both)[number]];
      expect(frozen.status).toBe('fulfilled');
      if (reply.status === 'rejected') {
        expect(codeOf(reply.reason)).toBe('ACCOUNT_FROZEN');
        seen.kept++;
      } else seen.released++;
      // Whoever was refused has no share here: nothing of it was stored.
      const stored = await first.context.storage.read(({ requests }) =>
        requests.find(alice.xid, ask.requestId),
      );
      expect(stored === null).toBe(reply.status === 'rejected');
      const later = { ...messageOf('later'), keyId, epoch: 0, expiresAt: TEST_TIME + 60 };
      for (const door of [callers[0]!, account, device.caller]) {
        const asked = door.call('request.ask', {
          ...later,
          requestId: random(),
          attempt: null,
          wanted: null,
        });
        expect(await asked.then(({ state }) => state, codeOf)).toBe('ACCOUNT_FROZEN');
      }
      const { storage, accounts } = first.context;
      await storage.transact((transaction) => accounts.setFreezes(transaction, alice.xid, []));
    }
    expect(seen.released + seen.kept).toBe(2 * ROUNDS);
  }, 300_000);

  test('P11: a freeze of the account is said only when whoever is giving something away for it has done so, and what begins behind it waits', async () => {
    const { first, account } = await open();
    const { storage, accounts } = first.context;
    const order: string[] = [];
    let freezing: Promise<unknown> = Promise.resolve();
    await storage.transact(async (transaction) => {
      await accounts.assertGoesOn(transaction, alice.xid);
      const statement = { id: random(), from: TEST_TIME, until: TEST_TIME + 3_600 };
      freezing = account.call('account.freeze', statement).then(() => order.push('frozen'));
      // As long as another account needs for the same: this one would be frozen by then.
      if (isReplicated) {
        const other = await (
          await network.open({ name: 'bravo', databaseUrl: (await cluster!.createDatabase())! })
        ).as(mallory);
        for (let i = 0; i < 3; i++)
          await other.call('account.freeze', { ...statement, id: random(), until: TEST_TIME + 3_600 + i });
      }
      order.push('given');
    });
    await freezing;
    expect(order).toEqual(['given', 'frozen']);
    await expect(
      storage.transact((transaction) => accounts.assertGoesOn(transaction, alice.xid)),
    ).rejects.toMatchObject({ code: 'ACCOUNT_FROZEN' });
  }, 60_000);
});
