import { type CarriedChange, carryChange, completeChange, fetchChain, nextMember } from '@ckm/testkit';
import { parseCertificate, parseChangeCertificate, judgeVotes, verifyChain } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey, type MadeKey } from '../../test/bare-servers.js';
import { loseShareAt } from '../../test/lost-share.js';
import { createRepairCourier } from '../../test/repair-courier.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const DAY = 86_400;

interface World {
  readonly servers: BareServer[];
  readonly callers: BareCaller[];
  readonly made: MadeKey;
  readonly keyId: Uint8Array;
  now: number;
}

/** Alpha and bravo hold a key, the last two another one of the same id, which whoever has the owner's client made; the others none. */
async function withTwoKeys(count: number): Promise<World> {
  const world = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(count, { now: () => world.now });
  const made = await makeKey(callers.slice(0, 2), { policy: AT_ONCE });
  const { keyId } = made;
  await makeKey(callers.slice(-2), { policy: AT_ONCE, keyId });
  return Object.assign(world, { servers, callers, made, keyId });
}

function change(
  { servers, callers, keyId }: World,
  from: readonly number[],
  to: readonly number[],
): Promise<CarriedChange> {
  const next = to.map((at) => nextMember(servers[at]!, callers[at]!));
  const expiresAt = () => servers[from[0]!]!.context.clock() + 600;
  return carryChange({ servers: from.map((at) => callers[at]!), keyId, expiresAt, next, needed: 2 });
}

async function carry(world: World, from: readonly number[], to: readonly number[]): Promise<void> {
  const carried = await change(world, from, to);
  await carried.commit(await completeChange(carried));
}

/** Orders a server into the false key, by its chain: it has no share of it, and begins a row for what follows its epoch. */
async function plant(world: World, at: number): Promise<void> {
  const [x, y] = [world.callers.length - 2, world.callers.length - 1];
  const evil = await change(world, [x, y], [x, at]);
  const chain = await fetchChain(world.callers[x]!, world.keyId);
  const { policy } = await world.callers[x]!.call('key.show', { keyId: world.keyId });
  await world.callers[at]!.call('change.propose', { order: evil.order, chain, policy });
}

describe('what somebody began at a server for another key of the same id', () => {
  test('is gone when it comes to that epoch of the true one, which it then goes on with', async () => {
    const world = await withTwoKeys(5);
    const [alpha, bravo, charlie, x, y] = [0, 1, 2, 3, 4];
    await carry(world, [x, y], [x, y]);
    await plant(world, charlie);
    await carry(world, [alpha, bravo], [alpha, bravo, charlie]);
    world.now += DAY;
    await carry(world, [alpha, bravo, charlie], [alpha, bravo, charlie]);
    await carry(world, [alpha, bravo, charlie], [bravo, charlie]);
    const { before } = await change(world, [bravo, charlie], [bravo, charlie]);
    const callers = [bravo, charlie].map((at) => world.callers[at]!);
    const expiresAt = world.now + 600;
    await signIn(callers, world.made, before.public, { epoch: 3, signers: [1, 2], expiresAt });
  });

  test('is gone when its share of that epoch comes back from others', async () => {
    const world = await withTwoKeys(5);
    const [alpha, bravo, charlie, x, y] = [0, 1, 2, 3, 4];
    await carry(world, [alpha, bravo], [alpha, bravo, charlie]);
    await carry(world, [x, y], [x, y]);
    const { servers, callers, made, keyId } = world;
    const [ours, our] = [servers.slice(0, 3), callers.slice(0, 3)];
    await loseShareAt(network, ours, our, keyId, 2, 'all', 1);
    [servers[bravo], callers[bravo]] = [ours[bravo]!, our[bravo]!];
    await plant(world, bravo);
    const chain = await fetchChain(callers[alpha]!, keyId);
    const { policy } = await callers[alpha]!.call('key.show', { keyId });
    const repair = createRepairCourier({
      servers: ours,
      callers: our,
      made,
      policy,
      chain,
      target: 2,
      helpers: [1, 3],
    });
    await repair.begin();
    await repair.finish();
    const carried = await change(world, [alpha, bravo, charlie], [alpha, bravo, charlie]);
    world.now += DAY;
    const [, view] = await carried.propose();
    expect(view).toMatchObject({ state: 'ready', attempt: 0 });
    expect(view!.forgot).not.toBeNull();
  });

  test('does not take the place of what a server that joins has signed for', async () => {
    const world = await withTwoKeys(5);
    const [alpha, bravo, charlie] = [0, 1, 2];
    const carried = await change(world, [alpha, bravo], [alpha, charlie]);
    const certificate = await completeChange(carried);
    await expect(plant(world, charlie)).rejects.toThrow(code('CERTIFICATE_OF_ANOTHER_KEY'));
    const committed = await carried.commit(certificate);
    expect(committed.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
    await expect(plant(world, charlie)).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
    const chain = await fetchChain(world.callers[charlie]!, world.keyId);
    const { public: key } = verifyChain(
      parseCertificate(chain[0]!),
      chain.slice(1).map(parseChangeCertificate),
      judgeVotes,
    ).at(-1)!;
    const callers = [alpha, charlie].map((at) => world.callers[at]!);
    await signIn(callers, world.made, key, { epoch: 1, signers: [1, 2] });
  });
});
