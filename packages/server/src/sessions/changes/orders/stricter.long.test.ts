// @module-tag long
import { formatWords, likenessOf } from '@ckm/gordian';
import { type CarriedChange, carryChange, completeChange, nextMember } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { createKeyDesk } from '../../../control/desks/key-desk.js';
import { encodeHex } from '@ckm/foundation';
import { type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';
import { COUNT_SECONDS } from '../../waiting-time.js';

const network = createBareServers();
afterEach(() => network.close());

const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;
const DAY = 86_400;
/** What its owner certified: a change of who holds the key waits for nothing. */
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const ASKED = { policy: { approval: 'operator' } } as const;

/** Alpha and bravo hold a key, charlie is to join; each with settings of its own. */
async function openThree(settings: readonly object[]) {
  const clock = { now: TEST_TIME };
  const names = ['alpha', 'bravo', 'charlie'];
  const servers: BareServer[] = [];
  for (const [i, name] of names.entries())
    servers.push(await network.open({ name, now: () => clock.now, settings: settings[i] ?? {} }));
  const callers = await Promise.all(servers.map((server) => server.as(alice)));
  const { keyId } = await makeKey(callers.slice(0, 2), { policy: AT_ONCE });
  return { clock, servers, callers, keyId };
}
type World = Awaited<ReturnType<typeof openThree>>;

/** The order by which charlie joins them, or bravo and alpha only refresh. */
function changeOf({ clock, servers, callers, keyId }: World, count: 2 | 3): Promise<CarriedChange> {
  const next = servers.slice(0, count).map((server, i) => nextMember(server, callers[i]!));
  const expiresAt = () => clock.now + 600;
  return carryChange({ servers: callers.slice(0, 2), keyId, expiresAt, next, needed: 2 });
}

async function approve(server: BareServer, { orderHash }: CarriedChange): Promise<void> {
  const { changeDesk } = server.sessions;
  const { changes } = await changeDesk.list();
  await changeDesk.approve(changes[0]!, formatWords(likenessOf(orderHash)));
}

async function pass({ clock, servers }: World, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= COUNT_SECONDS) {
    clock.now += COUNT_SECONDS;
    for (const { sessions } of servers) await sessions.sweep();
  }
}

const deskOf = ({ context, sessions }: BareServer) => createKeyDesk({ context, sessions });

describe('a key whose owner lets changes pass at once', () => {
  test('waits for the operator of a server that asks him about whatever a key does, and for no other', async () => {
    const world = await openThree([ASKED]);
    const carried = await changeOf(world, 3);
    const views = await carried.propose();
    expect(views.map(({ state, asked }) => [state, asked])).toEqual([
      ['waiting', true],
      ['ready', false],
      ['ready', false],
    ]);
    await expect(carried.promise(1, [1])).rejects.toThrow(refused('early'));
    await pass(world, DAY);
    await expect(carried.promise(1, [1])).rejects.toThrow(refused('early'));
    await approve(world.servers[0]!, carried);
    await carried.commit(await completeChange(carried));
  });

  test('waits for the operator of a server that joins by it', async () => {
    const world = await openThree([{}, {}, ASKED]);
    const carried = await changeOf(world, 3);
    await carried.propose();
    const promises = await carried.promise(1);
    await expect(carried.move(1, promises)).rejects.toThrow(refused('early'));
    await approve(world.servers[2]!, carried);
    await carried.commit(await completeChange(carried));
  });

  test('waits where its operator has tightened it, also for what was ordered before', async () => {
    const world = await openThree([]);
    const carried = await changeOf(world, 3);
    expect((await carried.propose()).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
    const name = encodeHex(world.keyId);
    await deskOf(world.servers[0]!).tighten(name, null, { approval: 'operator', changeDelay: 7 * DAY });
    expect((await carried.propose())[0]).toMatchObject({
      state: 'waiting',
      asked: true,
      readyAt: TEST_TIME + 7 * DAY,
    });
    const shown = await world.callers[0]!.call('key.show', { keyId: world.keyId });
    expect(shown.key.order).toMatchObject({ state: 'waiting', asked: true });
    await approve(world.servers[0]!, carried);
    await expect(carried.promise(1, [1])).rejects.toThrow(refused('early'));
    await pass(world, 7 * DAY + COUNT_SECONDS);
    expect((await carried.promise(1, [1])).length).toBe(1);
    await deskOf(world.servers[0]!).loosen(name, null, { approval: 'automatic', changeDelay: 0 });
    expect((await deskOf(world.servers[0]!).keyPolicy(name, null)).tightening.changeDelay).toBe(0);
  });

  test('waits as long as the settings of a server say for every key, and no longer', async () => {
    const world = await openThree([{ policy: { changeDelay: DAY } }]);
    const carried = await changeOf(world, 3);
    expect((await carried.propose())[0]).toMatchObject({
      state: 'waiting',
      asked: false,
      readyAt: TEST_TIME + DAY,
    });
    await pass(world, DAY);
    await carried.commit(await completeChange(carried));
  });

  test('is refreshed without asking anybody: nobody gets a share who has none', async () => {
    const world = await openThree([ASKED, { policy: { changeDelay: DAY } }]);
    const carried = await changeOf(world, 2);
    await carried.commit(await completeChange(carried));
  });
});
