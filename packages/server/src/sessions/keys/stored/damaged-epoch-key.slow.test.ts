import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isShareHere } from './read-key.js';
import type { BareServer } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, messageOf } from '../../test/bare-servers.js';
import { tellHeads } from '../../test/heads.js';
import { createRepairCourier } from '../../test/repair-courier.js';

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
