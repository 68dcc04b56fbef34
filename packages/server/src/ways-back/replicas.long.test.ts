// @module-tag long
import { randomBytes } from 'node:crypto';
import { deviceId, nextDevices, signDevices } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  openBareServer,
  removeBareServer,
  type BareCaller,
  type BareServer,
} from '../sessions/test/bare-server.js';
import { codeOf, DAY, deviceOf, openWaysBack, closeServers, stranger } from './test/people.js';

const AT_ONCE = 6;

describe.skipIf(postgresPrograms() === null)('two replicas on one PostgreSQL', () => {
  let cluster: PostgresCluster;
  const others: BareServer[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 120_000);
  afterEach(async () => {
    for (const other of others.splice(0)) {
      await other.stop();
      removeBareServer(other);
    }
    await closeServers();
  });
  afterAll(() => cluster.stop());

  async function start() {
    const shared = {
      databaseUrl: await cluster.createDatabase(),
      seed: new Uint8Array(randomBytes(32)),
      storageKey: new Uint8Array(randomBytes(32)),
    };
    const world = await openWaysBack(shared);
    const other = await openBareServer({ name: 'twin', now: () => world.now, ...shared });
    others.push(other);
    return { world, other };
  }

  test('P8: of cases that are shown at once at two replicas one waits, and tries are counted together', async () => {
    const { world, other } = await start();
    const friends = [];
    for (let i = 0; i < AT_ONCE; i++) friends.push(await world.friend(70 + i));
    const shown = friends.map(({ vouch }, i) => {
      const who = stranger(110 + i);
      const { voucher } = vouch('recovery', who.xid);
      const caller = i % 2 === 0 ? world.stranger(who) : other.asStranger(who);
      return { caller, voucher };
    });
    const codes = await Promise.all(
      shown.map(({ caller, voucher }) =>
        codeOf(
          caller.call('recovery.prove', {
            contact: { kind: 'xid', name: '' },
            proof: { voucher },
            deed: 'recover',
          }),
        ),
      ),
    );
    expect(codes.toSorted()).toEqual(['OK', ...Array.from({ length: AT_ONCE - 1 }, () => 'RECOVERY_OTHER')]);
    const { cases } = await world.words().call('recovery.list', {});
    // What the others have shown is kept behind it.
    const behind = Array.from({ length: AT_ONCE - 1 }, () => 'vetoed');
    expect(cases.map(({ state }) => state)).toEqual(['waiting', ...behind]);
  }, 120_000);

  test('P8: eight tries of an app in a day are eight at both replicas together', async () => {
    const { world, other } = await start();
    const app = await world.totp();
    const contact = { kind: 'totp', name: app.name } as const;
    const code = app.code();
    const wrong = `${(Number(code[0]) + 5) % 10}${code.slice(1)}`;
    for (let i = 0; i < 8; i++) {
      const who = stranger(60 + i);
      const caller = i % 2 === 0 ? world.stranger(who) : other.asStranger(who);
      const proof = { code: wrong };
      expect(await codeOf(caller.call('recovery.prove', { contact, proof, deed: 'recover' }))).toBe(
        'RECOVERY_NOT_PROVEN',
      );
    }
    for (const caller of [world.stranger(stranger(90)), other.asStranger(stranger(91))])
      expect(await codeOf(caller.call('recovery.prove', { contact, proof: { code }, deed: 'recover' }))).toBe(
        'RECOVERY_NOT_PROVEN',
      );
  }, 120_000);

  test('P8: a veto and the end at once: one of them wins, and what the account has then says which', async () => {
    for (let round = 0; round < 4; round++) {
      const { world, other } = await start();
      const app = await world.totp();
      const who = stranger(110);
      await world.prove(who, 'totp', app.name, { code: app.code() });
      await world.pass(DAY + 2_400);
      const notes = new Uint8Array(0);
      const [finished, vetoed] = await Promise.all([
        codeOf(world.stranger(who).call('recovery.finish', { notes })),
        codeOf((await other.as(world.owner)).call('recovery.veto', { caseId: who.xid, reason: '' })),
      ]);
      const { cases } = await world.words().call('recovery.list', {});
      const { keys } = await world.list();
      expect(vetoed).toBe('OK');
      expect([finished, cases[0]!.state, keys.length]).toEqual(
        finished === 'OK' ? ['OK', 'done', 1] : ['RECOVERY_ENDED', 'vetoed', 0],
      );
    }
  }, 180_000);

  test('P8: an end that is asked for at both at once is one: a list, a row of the log, a device', async () => {
    const { world, other } = await start();
    const app = await world.totp();
    const who = stranger(110);
    await world.prove(who, 'totp', app.name, { code: app.code() });
    await world.pass(DAY + 2_400);
    const { number: before } = await world.list();
    const finish = (server: BareServer) =>
      codeOf(server.asStranger(who).call('recovery.finish', { notes: new Uint8Array(0) }));
    const ends = await Promise.all([world.server, other, world.server, other].map(finish));
    expect(ends).toEqual(['OK', 'OK', 'OK', 'OK']);
    const { keys, number, generation } = await world.list();
    expect([keys.length, generation]).toEqual([1, 0]);
    const again = await finish(other);
    expect([again, (await world.list()).number]).toEqual(['OK', number]);
    expect(number).toBeGreaterThan(before);
  }, 120_000);

  test('P1: of two lists that follow one and come to both at once one is in force, and the device that it leaves out is out at both', async () => {
    const [laptop, phone] = [deviceOf(101), deviceOf(102)];
    for (let round = 0; round < 4; round++) {
      const { world, other } = await start();
      await world.have(laptop, phone);
      const list = await world.list();
      const without = (who: typeof laptop) => {
        const keys = list.keys.filter(({ id }) => !equalBytes(id, deviceId(who.publicKeys)));
        return signDevices(nextDevices(list, keys, deviceId(world.owner.publicKeys)), world.owner);
      };
      const told = [world.words(), await other.as(world.owner)] as const;
      const update = (by: BareCaller, who: typeof laptop) =>
        codeOf(by.call('device.update', { documents: [without(who)] }));
      const said = await Promise.all([update(told[0], laptop), update(told[1], phone)]);
      expect(said.toSorted()).toEqual(['DEVICES_TWICE', 'OK']);
      const [out, stays] = said[0] === 'OK' ? [laptop, phone] : [phone, laptop];
      for (const server of [world.server, other]) {
        const show = (who: typeof laptop) =>
          codeOf(server.asDevice(who).call('device.show', { after: null }));
        expect([await show(stays), await show(out)]).toEqual(['OK', 'this device is not there']);
      }
    }
  }, 180_000);
});
