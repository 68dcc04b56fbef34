import { copyFileSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCeremony } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { EPOCH_KEYS_FOLDER } from '../../vault/epoch-key-name.js';
import { openSession } from './session-record.js';
import { alice, createBareServers, mallory, SOON } from '../test/bare-servers.js';
import { type BareServer, TEST_TIME } from '../test/bare-server.js';
import { recordOf } from '../test/lost-database.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (name: string) => expect.objectContaining({ code: name }) as Error;

/** The row of a ceremony, as a dump of the database would have it now. */
async function dumpOf(server: BareServer, sessionId: Uint8Array) {
  const row = await server.context.storage.read(({ sessions }) => sessions.find(alice.xid, sessionId));
  return row!;
}

const keyFiles = ({ dataDir }: BareServer) =>
  readdirSync(join(dataDir, EPOCH_KEYS_FOLDER)).filter((name) => name.startsWith('session-'));

const has = (bytes: Uint8Array, part: Uint8Array) => Buffer.from(bytes).includes(Buffer.from(part));

test('whoever has every dump of the database and the storage key finds neither seed nor protocol state of a ceremony in it, and opens nothing once it is over', async () => {
  const { servers, callers } = await network.openMany(2);
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
  const { sessionId, keyId } = ceremony;
  const dumps = [];
  const states: Uint8Array[] = [];
  while ((await ceremony.next()) !== null) {
    if (ceremony.views[0] === null) continue;
    const row = await dumpOf(servers[0]!, sessionId);
    dumps.push(row);
    const { secrets } = openSession(servers[0]!.context, row).record;
    if (secrets !== null) states.push(secrets);
  }
  const { staticSeed } = await recordOf(servers[0]!, keyId);
  const seeds = states.map((state) => state.slice(0, 32));
  expect(seeds.length).toBeGreaterThan(3);
  for (const seed of seeds) expect(seed).toEqual(staticSeed);
  expect(keyFiles(servers[0]!)).toEqual([]);

  const { context } = servers[0]!;
  for (const row of dumps) {
    const outer = context.vault.openRow('sessions', row);
    for (const part of states.flatMap((state) => [state.slice(0, 32), state.slice(-32)]))
      expect(has(outer, part)).toBe(false);
    const { record, state } = openSession(context, row);
    expect(record.secrets).toBeNull();
    if (state !== 'finished') expect(() => context.epochKeys.find(row)).toThrow(code('EPOCH_KEY_MISSING'));
  }
});

test.each(['cancelled', 'expired'] as const)(
  'the key of a ceremony that ends as %s is overwritten and gone with it',
  async (state) => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    const { sessionId } = ceremony;
    while (keyFiles(servers[1]!).length === 0) await ceremony.next();
    const row = await dumpOf(servers[0]!, sessionId);
    expect(openSession(servers[0]!.context, row).record.secrets).not.toBeNull();
    if (state === 'cancelled') await callers[0]!.call('session.cancel', { sessionId, reason: 'enough' });
    if (state === 'expired') {
      now += 700;
      await servers[0]!.sessions.sweep();
    }
    expect((await dumpOf(servers[0]!, sessionId)).state).toBe(state);
    expect(keyFiles(servers[0]!)).toEqual([]);
    expect(openSession(servers[0]!.context, row).record.secrets).toBeNull();
  },
);

test('a ceremony whose key is gone does not go on, says why, and is cancelled like any other', async () => {
  const { servers, callers } = await network.openMany(2);
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
  const { sessionId } = ceremony;
  while (ceremony.packets.length < 2) await ceremony.next();
  servers[0]!.context.epochKeys.destroy({ owner: alice.xid, sessionId });
  const packets = [...ceremony.packets];
  const deliver = () => callers[0]!.call('session.deliver', { sessionId, packets, after: 0 });
  await expect(deliver()).rejects.toThrow(code('EPOCH_KEY_MISSING'));
  expect((await callers[0]!.call('session.show', { sessionId, after: 0 })).state).toBe('running');
  const { state } = await callers[0]!.call('session.cancel', { sessionId, reason: 'its key is gone' });
  expect(state).toBe('cancelled');
});

test('a key left by a process that ended before it stored its session is destroyed after an hour, and no other', async () => {
  let now = TEST_TIME;
  const { servers, callers } = await network.openMany(2, { now: () => now });
  const ceremony = createCeremony({ servers: callers, expiresAt: TEST_TIME + 7_200 });
  while (ceremony.packets.length < 2) await ceremony.next();
  const { sessionId } = ceremony;
  const { context, dataDir } = servers[0]!;
  const orphan = { owner: mallory.xid, sessionId: new Uint8Array(32).fill(9) };
  context.epochKeys.create(orphan).wipe();
  const age = () => {
    for (const name of keyFiles(servers[0]!)) {
      utimesSync(
        join(dataDir, EPOCH_KEYS_FOLDER, name),
        Date.now() / 1000 - 4_000,
        Date.now() / 1000 - 4_000,
      );
    }
  };
  await servers[0]!.sessions.sweep();
  expect(context.epochKeys.exists(orphan)).toBe(true);
  age();
  now += 3_600;
  await servers[0]!.sessions.sweep();
  expect(context.epochKeys.exists(orphan)).toBe(false);
  expect(context.epochKeys.exists({ owner: alice.xid, sessionId })).toBe(true);
});

test('in a folder that another database has marked, a sweep destroys no key, also of sessions this database knows nothing of', async () => {
  let now = TEST_TIME;
  const { servers } = await network.openMany(1, { now: () => now });
  const { context, dataDir } = servers[0]!;
  context.epochKeys.create({ owner: mallory.xid, sessionId: new Uint8Array(32).fill(9) }).wipe();
  const folder = join(dataDir, EPOCH_KEYS_FOLDER);
  const age = () => {
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
  };
  const [theirs, next] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  context.epochKeys.mark.write(theirs, next);
  const sweep = async () => {
    age();
    now += 3_600;
    await servers[0]!.sessions.sweep();
    return keyFiles(servers[0]!).length;
  };
  expect(await sweep()).toBe(1);
  const ours = context.vault.sealRow('meta', { name: 'folder of epoch keys' }, next);
  await context.storage.transact(({ meta }) => meta.put(ours));
  expect(await sweep()).toBe(0);
});

test('a copy of the key of a ceremony, left by a process that ended while it sealed or wrote that key, is destroyed with the ceremony', async () => {
  const { servers, callers } = await network.openMany(2);
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
  const { sessionId } = ceremony;
  while (keyFiles(servers[0]!).length === 0) await ceremony.next();
  const [name] = keyFiles(servers[0]!);
  const folder = join(servers[0]!.dataDir, EPOCH_KEYS_FOLDER);
  for (const copy of [`${name}.new`, `${name}.0123456789abcdef.new`])
    copyFileSync(join(folder, name!), join(folder, copy));
  await callers[0]!.call('session.cancel', { sessionId, reason: 'enough' });
  expect(readdirSync(folder)).toEqual([]);
});

describe('somebody with the disk who damages the key of one ceremony', () => {
  async function damaged() {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    while (ceremony.packets.length < 2) await ceremony.next();
    const [server] = servers;
    const [name] = keyFiles(server!);
    const path = join(server!.dataDir, EPOCH_KEYS_FOLDER, name!);
    writeFileSync(
      path,
      readFileSync(path).map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    const pass = (seconds: number) => (now += seconds);
    return { server: server!, caller: callers[0]!, ceremony, path, pass };
  }

  test('stops that one, which says so and is cancelled like any other', async () => {
    const { caller, ceremony } = await damaged();
    const { sessionId } = ceremony;
    const packets = [...ceremony.packets];
    const deliver = caller.call('session.deliver', { sessionId, packets, after: 0 });
    await expect(deliver).rejects.toThrow(code('FILE_TAMPERED'));
    const { state } = await caller.call('session.cancel', { sessionId, reason: 'its key is damaged' });
    expect(state).toBe('cancelled');
  });

  test('stops neither the sweep, which expires it, nor the next start', async () => {
    const { server, ceremony, pass } = await damaged();
    pass(700);
    await server.sessions.sweep();
    expect((await dumpOf(server, ceremony.sessionId)).state).toBe('expired');
    expect(keyFiles(server)).toEqual([]);
  });

  test('does not keep the keys of others from being destroyed', async () => {
    const { server, path, pass } = await damaged();
    const orphan = { owner: mallory.xid, sessionId: new Uint8Array(32).fill(9) };
    server.context.epochKeys.create(orphan).wipe();
    for (const name of keyFiles(server)) utimesSync(join(path, '..', name), 1, 1);
    pass(10);
    await server.sessions.sweep();
    expect(server.context.epochKeys.exists(orphan)).toBe(false);
  });
});

test('somebody who changes the row of one ceremony stops neither the sweep of the others nor the next start', async () => {
  let now = TEST_TIME;
  const { servers, callers } = await network.openMany(2, { now: () => now });
  const [first, second] = [1, 2].map(() => createCeremony({ servers: callers, expiresAt: SOON }));
  for (const ceremony of [first!, second!]) while (ceremony.packets.length < 2) await ceremony.next();
  const { context } = servers[0]!;
  const { sealed, ...columns } = await dumpOf(servers[0]!, first!.sessionId);
  const changed = { ...columns, version: columns.version + 1, expiresAt: SOON - 1, sealed };
  await context.storage.transact(({ sessions }) => sessions.update(changed));
  now += 700;
  await servers[0]!.sessions.sweep();
  expect((await dumpOf(servers[0]!, second!.sessionId)).state).toBe('expired');
});
