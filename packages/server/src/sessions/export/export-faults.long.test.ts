// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { type CkmError, reveal } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { combineShares, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../test/bare-servers.js';
import {
  approve,
  type Exportable,
  join,
  opened,
  type Order,
  orderOf,
  propose,
  random32,
  yesesOf,
} from '../test/export-courier.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as CkmError;
const expiresAt = TEST_TIME + 10 * 86_400;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const ASKED = { changes: 'operator', changeDelay: 0 } as const;

async function exportableAt(callers: readonly BareCaller[], policy: object): Promise<Exportable> {
  const { keyId, certificate } = await makeKey(callers, { exportable: true, policy });
  return { callers, keyId, epoch: verifyFirstEpoch(parseCertificate(certificate)), expiresAt };
}

function expectTheKey({ epoch }: Exportable, shares: Parameters<typeof combineShares>[1]): void {
  const scalar = reveal(combineShares(epoch, shares), 'compare a key of a test');
  const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
  expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(epoch.public.groupKey);
}

describe('an export at servers that are killed', () => {
  test(
    'kill −9 behind every step: made again it says the same, the key comes of it once, and the mark stays',
    { tags: ['slow'] },
    async () => {
      const { servers, callers } = await network.openMany(3);
      const callees = callers.map(({ name }, i): BareCaller => ({
        name,
        call: (called, parameters) => callers[i]!.call(called, parameters),
      }));
      const killAll = async () => {
        for (const i of servers.keys()) {
          servers[i] = await network.restart(servers[i]!);
          callers[i] = await servers[i]!.as(alice);
        }
      };
      const twice = async <T>(step: () => Promise<T>): Promise<T> => {
        const first = await step();
        await killAll();
        expect(await step()).toEqual(first);
        return first;
      };
      const world = await exportableAt(callees, ASKED);
      const order = orderOf(world);
      await twice(() => Promise.all([1, 2, 3].map((slot) => propose(world, slot, order))));
      for (const server of servers) await approve(server, order);
      await killAll();
      const yeses = await twice(() => yesesOf(world, order, [1, 3]));
      const views = [
        await twice(() => join(world, 1, order, yeses)),
        await twice(() => join(world, 3, order, yeses)),
      ];
      expectTheKey(
        world,
        views.map((view) => opened(order, view)),
      );
      const shown = await Promise.all(callers.map((one) => one.call('key.show', { keyId: world.keyId })));
      expect(shown.map(({ key }) => key.exportedAt !== undefined)).toEqual([true, false, true]);
      expect(shown.map(({ key }) => key.exports === undefined)).toEqual([true, false, true]);
      const entries = await Promise.all(
        servers.map(({ context }) => context.storage.read((reader) => context.audit.list(reader, 1, 100))),
      );
      const noted = entries.map((lines) => lines.filter(({ deed }) => deed === 'key.exported').length);
      expect(noted).toEqual([1, 0, 1]);
    },
  );
});

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';

describe.skipIf(!isHere)(`alpha as two replicas on one PostgreSQL, bravo alone${reason}`, () => {
  let cluster: PostgresCluster;
  const epochKeys = mkdtempSync(joinPath(tmpdir(), 'ckm-shared-'));
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => {
    await cluster.stop();
    rmSync(epochKeys, { recursive: true, force: true });
  });

  async function open(policy: object) {
    const shared = {
      name: 'alpha',
      databaseUrl: await cluster.createDatabase(),
      seed: random32(),
      storageKey: random32(),
      settings: { epochKeys },
    };
    const twins: readonly BareServer[] = [await network.open(shared), await network.open(shared)];
    const bravo = await (await network.open({ name: 'bravo' })).as(alice);
    const at = [await twins[0]!.as(alice), await twins[1]!.as(alice)];
    const world = await exportableAt([at[0]!, bravo], policy);
    /** The same key through either replica. */
    const through = (twin: number): Exportable => ({ ...world, callers: [at[twin]!, bravo] });
    return { twins, at, world, through };
  }

  test('two exports that are asked of both at once: one is open, and both replicas show it', async () => {
    const { at, world, through } = await open(ASKED);
    const orders: readonly Order[] = [orderOf(world), orderOf(world)];
    const asked = await Promise.allSettled(orders.map((order, i) => propose(through(i), 1, order)));
    const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as CkmError] : []));
    expect(refused).toEqual([code('EXPORT_OPEN')]);
    for (const caller of at) {
      const { key } = await caller.call('key.show', { keyId: world.keyId });
      expect(key.exports).toHaveLength(1);
    }
  });

  test('a yes of one replica is good at the other, a share is the same at both, and so is the mark', async () => {
    const { at, world, through } = await open(AT_ONCE);
    const order = orderOf(world);
    const yeses = await yesesOf(through(0), order, [1, 2]);
    expect(await yesesOf(through(1), order, [1])).toEqual([yeses[0]]);
    const joined = await Promise.all([0, 1].map((twin) => join(through(twin), 1, order, yeses)));
    expect(joined[0]).toEqual(joined[1]);
    expectTheKey(world, [opened(order, joined[0]!), opened(order, await join(world, 2, order, yeses))]);
    const marks = await Promise.all(at.map((one) => one.call('key.show', { keyId: world.keyId })));
    expect(marks.map(({ key }) => key.exportedAt)).toEqual([TEST_TIME, TEST_TIME]);
  });
});
