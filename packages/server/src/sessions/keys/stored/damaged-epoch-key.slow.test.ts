import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { carryChange, completeChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { isShareHere } from './read-key.js';
import type { BareServer } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../../test/bare-servers.js';
import { tellHeads } from '../../test/heads.js';
import { storeOther, storeWiped } from '../../test/lost-share.js';
import { createRepairCourier } from '../../test/repair-courier.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** As a power cut leaves it. */
function cut(server: BareServer, keyId: Uint8Array): void {
  const { name } = server.context.epochKeys.fileOf({ owner: alice.xid, keyId, epoch: 0 })!;
  truncateSync(join(server.dataDir, name), 20);
}

/** Whether it finds its share, and what its operator is told. */
async function toldOf({ context }: BareServer, keyId: Uint8Array): Promise<readonly unknown[]> {
  const told: string[] = [];
  const events = {
    ...context.events,
    storageFailed: (error: { readonly code: string }) => void told.push(error.code),
  };
  const isHere = await context.storage.read(async (reader) =>
    isShareHere({ ...context, events }, reader, (await reader.keys.find(alice.xid, keyId))!),
  );
  return [isHere, ...told];
}

test('B8: a share whose epoch key is in a damaged file is lost: its operator is told, others give it back under a new key', async () => {
  const { servers, callers } = await network.openMany(3);
  const made = await makeKey(callers);
  const { keyId } = made;
  const { policy, key } = await callers[1]!.call('key.show', { keyId });
  expect(key.isShareLost).toBeUndefined();
  cut(servers[1]!, keyId);
  servers[1] = await network.restart(servers[1]!);
  callers[1] = await servers[1].as(alice);
  expect(await toldOf(servers[1], keyId)).toEqual([false, 'FILE_TAMPERED']);
  expect((await callers[1].call('key.show', { keyId })).key.isShareLost).toBe(true);
  const question = { keyId, epoch: 0, challenge: new Uint8Array(32).fill(7), at: 1 };
  await expect(callers[1].call('key.check', question)).rejects.toThrow(code('FILE_TAMPERED'));
  const repair = createRepairCourier({ servers, callers, made, policy, target: 2, helpers: [1, 3] });
  await repair.begin();
  await repair.finish();
  expect((await callers[1].call('key.show', { keyId })).key.isShareLost).toBeUndefined();
  expect(await made.signer.sign(messageOf('again'), [2, 3])).toHaveLength(64);
});

test('B8: where recovery is static it is taken from the certificate under a new key', async () => {
  const { servers, callers } = await network.openMany(3, { settings: { backup: 'static' } });
  const made = await makeKey(callers, { policy: { recovery: 'static' } });
  const { keyId, certificate } = made;
  const { policy } = await callers[0]!.call('key.show', { keyId });
  cut(servers[0]!, keyId);
  servers[0] = await network.restart(servers[0]!);
  callers[0] = await servers[0].as(alice);
  await callers[0].call('key.restore', { certificate, policy });
  await tellHeads(callers, keyId, [2, 3]);
  expect(await made.signer.sign(messageOf('again'), [1, 3])).toHaveLength(64);
});

test('B8: a share that opens and is not the certified one is lost too: its operator is told, and others give back the one that is', async () => {
  const { servers, callers } = await network.openMany(3);
  const made = await makeKey(callers);
  const { keyId } = made;
  const { policy } = await callers[1]!.call('key.show', { keyId });
  expect(await toldOf(servers[1]!, keyId)).toEqual([true]);
  await storeOther(servers[1]!, keyId, servers[0]!);
  servers[1] = await network.restart(servers[1]!);
  callers[1] = await servers[1].as(alice);
  expect(await toldOf(servers[1], keyId)).toEqual([false, 'SHARE_NOT_CERTIFIED']);
  expect((await callers[1].call('key.show', { keyId })).key.isShareLost).toBe(true);
  const repair = createRepairCourier({ servers, callers, made, policy, target: 2, helpers: [1, 3] });
  await repair.begin();
  await repair.finish();
  const { key } = await callers[1].call('key.show', { keyId });
  expect([key.isShareLost, key.hasForgotten]).toEqual([undefined, true]);
  expect(await toldOf(servers[1], keyId)).toEqual([true]);
  expect(await made.signer.sign(messageOf('again'), [2, 3])).toHaveLength(64);
});

test('B8: where recovery is static the certified share takes the place of another one out of the certificate', async () => {
  const { servers, callers } = await network.openMany(3, { settings: { backup: 'static' } });
  const made = await makeKey(callers, { policy: { recovery: 'static' } });
  const { keyId, certificate } = made;
  const { policy } = await callers[0]!.call('key.show', { keyId });
  await storeOther(servers[0]!, keyId, servers[1]!);
  servers[0] = await network.restart(servers[0]!);
  callers[0] = await servers[0].as(alice);
  await callers[0].call('key.restore', { certificate, policy });
  await tellHeads(callers, keyId, [2, 3]);
  expect(await made.signer.sign(messageOf('again'), [1, 3])).toHaveLength(64);
});

test('B8: so is one that is nothing but zeros, as of a share that was wiped before it was sealed', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  await storeWiped(servers[1]!, keyId);
  expect(await toldOf(servers[1]!, keyId)).toEqual([false, 'SHARE_NOT_CERTIFIED']);
  expect((await callers[1]!.call('key.show', { keyId })).key.isShareLost).toBe(true);
});

test('B8: a server with another share than the certified one deals none of it, and a refresh gives it one that is', async () => {
  const { servers, callers } = await network.openMany(3);
  const made = await makeKey(callers);
  const { keyId } = made;
  await storeOther(servers[1]!, keyId, servers[0]!);
  const change = await carryChange({ servers: callers, keyId, expiresAt: SOON, dealers: [1, 2] });
  await change.propose();
  const promises = await change.promise(1);
  await expect(change.move(1, promises)).rejects.toThrow(code('CHANGE_CANNOT_DEAL'));
  const by = await carryChange({ servers: callers, keyId, expiresAt: SOON, dealers: [1, 3] });
  const whole = await by.move(1, promises);
  const locks = await by.lock(1, whole, promises);
  const yields = await by.yield(whole, by.locksOf(1, whole, locks));
  await by.commit(by.certify(1, whole, { promises, locks, yields }));
  expect(await toldOf(servers[1]!, keyId)).toEqual([true]);
  await signIn(callers, made, whole.epoch.public, { epoch: 1, signers: [2, 3] });
});

test('B8: nor does it acknowledge the epoch of that share, on which others would destroy the one before', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  const certificate = await completeChange(change);
  await change.commit(certificate);
  const again = () => callers[1]!.call('change.commit', { keyId, certificate });
  expect(await again()).toMatchObject({ isEntered: true });
  await storeOther(servers[1]!, keyId, servers[0]!);
  await expect(again()).rejects.toThrow(code('CHANGE_SHARE_LOST'));
});
