// @module-tag long
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { createOwnedKey, NAME, type OwnedKey, REFRESH, requorum, SERVERS } from '../../test/owned-key.js';
import type { TestNetwork } from '../../test/test-network.js';

let key: OwnedKey;
let network: TestNetwork;
let client: Client;
beforeEach(async () => {
  key = await createOwnedKey({ count: 4 });
  ({ network, client } = key);
});
afterEach(() => key.close());

/** Of which epochs each of these servers holds a share. */
async function epochsHeld(names: readonly string[]): Promise<Record<string, readonly number[]>> {
  const held: Record<string, readonly number[]> = {};
  for (const name of names) {
    const { storage, epochKeys } = network.server(name).bare.context;
    const rows = await storage.read(({ shares }) => shares.listAll(null, 20));
    held[name] = rows.filter((row) => epochKeys.exists(row)).map(({ epoch }) => epoch);
  }
  return held;
}

async function receiptsOf(client: Client): Promise<readonly string[]> {
  const { receipts = [] } = (await client.showKey(NAME)).record;
  return receipts.map(({ server, epoch }) => `${server} ${epoch}`).toSorted();
}

/** The computer is gone before it has told any server to destroy its old share. */
async function changeAndLose(): Promise<void> {
  for (const { name } of network.servers) network.cut(name, 'change.retire');
  await client.changeKey(REFRESH);
  network.makeHonest();
}

describe('shares of epochs that are over', () => {
  test('are destroyed by the next change, where a server died in one and was left out', async () => {
    network.cut('charlie', 'change.commit');
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: ['charlie'] });
    network.cut('charlie');
    const wish = requorum(2, ['alpha', 'bravo', 'delta']);
    const changed = await client.changeKey({ name: NAME, wish });
    expect(changed).toMatchObject({ epoch: 2, behind: [] });
    expect(await epochsHeld(['alpha', 'bravo', 'delta'])).toEqual({ alpha: [2], bravo: [2], delta: [2] });
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'alpha 1', 'bravo 0', 'bravo 1']);
  });

  test('are destroyed at a server that left before, by what came after it', async () => {
    network.cut('bravo', 'change.commit');
    const without = requorum(2, ['alpha', 'bravo', 'delta']);
    expect(await client.changeKey({ name: NAME, wish: without })).toMatchObject({ behind: ['bravo'] });
    network.cut('bravo');
    await client.changeKey({ name: NAME, wish: requorum(2, ['alpha', 'delta']) });
    expect(await epochsHeld(['alpha', 'charlie', 'delta'])).toEqual({ alpha: [2], charlie: [], delta: [2] });
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'alpha 1', 'charlie 0', 'delta 1']);
  });

  test('are destroyed when the key is fetched, where the laptop that changed it is gone', async () => {
    await changeAndLose();
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [0, 1], bravo: [0, 1], charlie: [0, 1] });
    const other = await network.owner();
    const { keys } = await other.fetchKeys();
    await other.keepKey(keys[0]!, { name: NAME });
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [1], bravo: [1], charlie: [1] });
    expect(await receiptsOf(other)).toEqual(['alpha 0', 'bravo 0', 'charlie 0']);
  });

  test('are destroyed by the check of another client of the owner, and not before all servers have the newest', async () => {
    const elsewhere = (await key.another()).client;
    await changeAndLose();
    network.cut('charlie');
    await elsewhere.checkKey(NAME);
    expect(await epochsHeld(['alpha'])).toEqual({ alpha: [0, 1] });
    network.makeHonest();
    expect(await elsewhere.checkKey(NAME)).toMatchObject({ isSound: true, epoch: 1 });
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [1], bravo: [1], charlie: [1] });
    expect(await receiptsOf(elsewhere)).toEqual(['alpha 0', 'bravo 0', 'charlie 0']);
    const before = network.server('alpha').asked.length;
    await elsewhere.checkKey(NAME);
    expect(network.server('alpha').asked.slice(before)).toEqual(['key.check']);
  });

  test('are told of by whoever held them: what a server signs about another epoch is not put on record', async () => {
    await changeAndLose();
    const lie = { receipt: new Uint8Array(3), signature: new Uint8Array(64) };
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'change.retire' ? Promise.resolve(lie) : honest();
    await client.checkKey(NAME);
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'charlie 0']);
  });
});
