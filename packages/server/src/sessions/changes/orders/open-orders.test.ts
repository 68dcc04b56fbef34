import { carryChange, completeChange, nextMember } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, mallory } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());
const DAY = 86_400;

async function begin(policy: object = {}) {
  const { servers, callers } = await network.openMany(3);
  const { keyId } = await makeKey(callers, { policy });
  const next = servers.slice(0, 2).map((server, i) => nextMember(server, callers[i]!));
  const expiresAt = TEST_TIME + 600;
  const removal = await carryChange({ servers: callers, keyId, expiresAt, next, needed: 2 });
  const refresh = await carryChange({ servers: callers, keyId, expiresAt });
  const shown = async (i = 0, who = alice) => {
    const caller = who === alice ? callers[i]! : await servers[i]!.as(who);
    const { keys } = await caller.call('key.list', { after: null });
    return keys.map(({ order }) => order);
  };
  return { servers, callers, keyId, removal, refresh, shown };
}

test('an order that one client gave is shown to every client of the owner, whole, with what it waits for, and to nobody else', async () => {
  const { servers, callers, keyId, removal, shown } = await begin();
  expect(await shown()).toEqual([undefined]);
  await removal.propose();
  const waits = { order: removal.order, state: 'waiting', readyAt: TEST_TIME + DAY, asked: true };
  for (const i of [0, 1, 2]) expect(await shown(i)).toEqual([waits]);
  expect((await callers[1]!.call('key.show', { keyId })).key.order).toEqual(waits);
  expect(await shown(0, mallory)).toEqual([]);
  const stranger = await servers[0]!.as(mallory);
  await expect(stranger.call('key.show', { keyId })).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
});

test('an order is shown no more once it is cancelled, and at that server alone', async () => {
  const { callers, keyId, removal, shown } = await begin();
  await removal.propose();
  const which = { keyId, epoch: 0, orderHash: removal.orderHash };
  await callers[0]!.call('change.cancel', which);
  expect(await shown(0)).toEqual([undefined]);
  expect(await shown(1)).toMatchObject([{ state: 'waiting' }]);
});

test('an order that an operator has refused is shown no more at his server, and one that waits for nobody is ready', async () => {
  const { servers, removal, shown } = await begin({ changes: 'automatic', changeDelay: 0 });
  await removal.propose();
  expect(await shown()).toMatchObject([{ state: 'ready', readyAt: null, asked: false }]);
  const { changeDesk } = servers[0]!.sessions;
  const { changes } = await changeDesk.list();
  await changeDesk.reject(changes[0]!, 'not with me');
  expect(await shown()).toEqual([undefined]);
  expect(await shown(1)).toMatchObject([{ state: 'ready' }]);
});

test('a refresh, which waits for nobody, is not shown, and an order of an epoch that is over is not either', async () => {
  const { keyId, callers, removal, refresh, shown } = await begin();
  await refresh.propose();
  expect(await shown()).toEqual([undefined]);
  const certificate = await completeChange(refresh);
  await removal.propose();
  expect(await shown()).toMatchObject([{ state: 'waiting' }]);
  await refresh.commit(certificate);
  expect(await shown()).toEqual([undefined]);
  expect((await callers[0]!.call('key.show', { keyId })).key).toMatchObject({ epoch: 1 });
});
