// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CkmError } from '@ckm/foundation';
import {
  carryChange,
  completeChange,
  fetchChain,
  nextMember,
  type PostgresCluster,
  postgresPrograms,
  startPostgres,
} from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BareCaller, BareServer } from '../test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../test/bare-servers.js';
import { createRepairCourier } from '../test/repair-courier.js';
import { signIn } from '../test/signs.js';

const network = createBareServers();
const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';
/** So that a change follows the one before at once. */
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

describe.skipIf(!isHere)(`alpha as two replicas on one PostgreSQL, bravo and charlie alone${reason}`, () => {
  let cluster: PostgresCluster;
  const folders: string[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterEach(() => network.close());
  afterAll(async () => {
    await cluster.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  async function open() {
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      name: 'alpha',
      databaseUrl: await cluster.createDatabase(),
      seed: new Uint8Array(randomBytes(32)),
      storageKey: new Uint8Array(randomBytes(32)),
      settings: { epochKeys },
    };
    const twins = [await network.open(shared), await network.open(shared)] as const;
    const others = [await network.open({ name: 'bravo' }), await network.open({ name: 'charlie' })];
    const at = [await twins[0].as(alice), await twins[1].as(alice)] as const;
    let calls = 0;
    /** As behind a proxy that sends every message to the other one. */
    const alpha: BareCaller = {
      name: 'alpha',
      call: (name, parameters) => at[calls++ % 2]!.call(name, parameters),
    };
    const rest = await Promise.all(others.map((server) => server.as(alice)));
    const callers = [alpha, ...rest];
    const servers: BareServer[] = [twins[0], ...others];
    const made = await makeKey(callers, { policy: AT_ONCE });
    /** Either replica, and the others. */
    const through = (twin: number) => [at[twin]!, ...rest];
    return { twins, at, callers, servers, made, through };
  }

  const requorum = (
    callers: readonly BareCaller[],
    servers: readonly BareServer[],
    keyId: Uint8Array,
    needed: number,
  ) =>
    carryChange({
      servers: callers,
      keyId,
      expiresAt: SOON,
      needed,
      next: servers.map((server, i) => nextMember(server, callers[i]!)),
    });

  test('every message of a change goes to the other replica: two changes come about, both replicas are in their epochs, and sign', async () => {
    const { callers, servers, made, through } = await open();
    const { keyId } = made;
    for (const [epoch, needed] of [3, 2].entries()) {
      const change = await requorum(callers, servers, keyId, needed);
      const committed = await change.commit(await completeChange(change));
      const receipts = await change.retire(committed);
      expect(await change.retire(committed)).toEqual(receipts);
      const { before } = await requorum(callers, servers, keyId, 2);
      for (const twin of [0, 1]) {
        expect((await fetchChain(through(twin)[0]!, keyId)).length).toBe(epoch + 2);
        const signers = needed === 3 ? [1, 2, 3] : [1, 3];
        await signIn(through(twin), made, before.public, { epoch: epoch + 1, signers });
      }
    }
  });

  test('V33d: both replicas are asked at the same moment for two locks of one attempt: one is said, whichever, and the other never', async () => {
    const { at, callers, servers, made } = await open();
    const { keyId } = made;
    const change = await requorum(callers, servers, keyId, 3);
    await change.propose();
    const promises = await change.promise(1);
    const wholes = [await change.move(1, promises), await change.move(1, promises)] as const;
    for (let round = 0; round < 6; round++) {
      const asked = [0, 1, 0, 1].map((twin, i) =>
        at[twin]!.call('change.lock', {
          keyId,
          epoch: 0,
          attempt: 1,
          signed: wholes[i < 2 ? twin : 1 - twin]!.bytes,
          promises,
          locked: [],
        }).then(
          ({ statement }) => Buffer.from(statement).toString('hex'),
          (error: unknown) => (error as CkmError).facts['reason'],
        ),
      );
      const said = new Set(await Promise.all(asked));
      expect(said.delete('said-otherwise')).toBe(true);
      expect(said.size).toBe(1);
    }
  });

  test('a certificate that both are shown at once is committed once, with one share; the end of the old one is heard by either', async () => {
    const { at, callers, servers, made, twins, through } = await open();
    const { keyId } = made;
    const change = await requorum(callers, servers, keyId, 3);
    const certificate = await completeChange(change);
    const both = await Promise.all(at.map((one) => one.call('change.commit', { keyId, certificate })));
    expect(both[0]).toEqual(both[1]);
    const committed = await change.commit(certificate);
    await change.retire(committed);
    const { context } = twins[1];
    const shares = await context.storage.read((reader) => reader.shares.listAll(null, 10));
    expect(shares.map(({ epoch }) => epoch)).toEqual([1]);
    const entries = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(entries.filter(({ deed }) => deed === 'change.commit')).toHaveLength(1);
    const { before } = await requorum(callers, servers, keyId, 2);
    for (const twin of [0, 1])
      await signIn(through(twin), made, before.public, { epoch: 1, signers: [1, 2, 3] });
  });

  test.each([1, 2])(
    'every message of a repair goes to the other replica, where slot %i has lost its share: it is back, and both replicas sign',
    async (target) => {
      const { callers, servers, made, through } = await open();
      const { keyId } = made;
      const { policy } = await callers[0]!.call('key.show', { keyId });
      servers[target - 1]!.context.epochKeys.destroy({ owner: alice.xid, keyId, epoch: 0 });
      const helpers = [1, 2, 3].filter((slot) => slot !== target);
      const repair = createRepairCourier({ servers, callers, made, policy, target, helpers });
      await repair.begin();
      await repair.finish();
      expect([...repair.views.values()].map(({ state }) => state)).toEqual([
        'finished',
        'finished',
        'finished',
      ]);
      for (const twin of [0, 1]) await signIn(through(twin), made, made.key, { epoch: 0, signers: [1, 2] });
    },
  );
});
