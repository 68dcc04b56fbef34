// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signAlive } from '@ckm/api';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { alice, createBareServers, mallory, messageOf } from '../sessions/test/bare-servers.js';
import { DAY, eve, heirAt, keyWithHeir, owner } from './test/heirs.js';

const network = createBareServers();
const ROUNDS = 12;
const random = () => new Uint8Array(randomBytes(32));
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe.skipIf(postgresPrograms() === null)('P10: two replicas on one PostgreSQL', () => {
  let cluster: PostgresCluster;
  const folders: string[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 120_000);
  afterEach(() => network.close());
  afterAll(async () => {
    await cluster.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** The first server of the key has two doors, and its use is granted. */
  async function open() {
    const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-shared-'));
    folders.push(epochKeys);
    const shared = {
      databaseUrl: await cluster.createDatabase(),
      seed: random(),
      storageKey: random(),
      settings: { epochKeys },
    };
    const world = await keyWithHeir(network, { first: shared });
    const twin = await network.open({ ...shared, name: 'alpha', now: () => world.clock.now });
    const grant = async () => {
      await world.pass(31 * DAY);
      await world.round();
      await world.pass(0);
      await world.pass(15 * DAY);
      expect((await world.round()).map(({ granted }) => granted)).toEqual([['use'], ['use'], ['use']]);
    };
    return { world, twin, grant };
  }

  test('what is counted at one is counted once, and an owner who speaks at the other is heard at both with its next look', async () => {
    const { world, twin, grant } = await open();
    await world.alive(1, 2, 3);
    for (let i = 0; i < 6; i++) {
      world.clock.now += 600;
      await Promise.all([world.servers[0]!.sessions.sweep(), twin.sessions.sweep()]);
    }
    expect((await world.ask(1)).view.silentSeconds).toBeLessThanOrEqual(3_600);
    await grant();
    const other = heirAt(twin, eve, world.keyId);
    expect(await code(other.call('key.show', { keyId: world.keyId }))).toBe('OK');
    await twin.sessions.sweep();
    world.clock.now += 1_200;
    await twin.sessions.sweep();
    // He says something at the twin, and of nothing in particular.
    await (await twin.as(alice)).call('key.list', { after: null });
    expect(await code(other.call('key.show', { keyId: world.keyId }))).toBe('HEIR_NOT_GRANTED');
    world.clock.now += 5;
    await twin.sessions.sweep();
    expect(await code(world.signerOf(eve).sign(messageOf('late'), [1, 2]))).toBe('HEIR_NOT_GRANTED');
  }, 120_000);

  test(`a sign of life that is committed wins: ${ROUNDS} races with what the heir asks for at the other`, async () => {
    const { world, twin, grant } = await open();
    await world.alive(1, 2, 3);
    const carrier = await twin.as(mallory);
    for (let round = 1; round <= ROUNDS; round++) {
      await grant();
      const signer = world.signerOf(eve);
      const ask = messageOf(`race ${round}`);
      const requestId = random();
      const expiresAt = world.clock.now + 600;
      await signer.request(1, { ...ask, requestId }, { expiresAt });
      const attempt = await signer.prepare([1, 2]);
      const alive = signAlive(owner, { keyId: world.keyId, number: 1_000 + round });
      const [raced] = await Promise.all([
        code(signer.request(1, { ...ask, requestId }, { expiresAt, attempt })),
        carrier.call('alive.carry', { alive }),
      ]);
      expect(['OK', 'HEIR_NOT_GRANTED']).toContain(raced);
      const later = signer.request(1, { ...ask, requestId: random() }, { expiresAt, attempt });
      expect(await code(later)).toBe('HEIR_NOT_GRANTED');
    }
  }, 240_000);
});
