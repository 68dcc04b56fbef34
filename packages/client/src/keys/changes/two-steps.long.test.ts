// @module-tag long
import { StateError } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import {
  createOwnedKey,
  epochOf,
  NAME,
  type OwnedKey,
  type OwnedKeyOptions,
  REFRESH,
  requorum,
  signersOf,
} from '../../test/owned-key.js';
import { type TestNetwork, unreachable } from '../../test/test-network.js';

let key: OwnedKey;
afterEach(() => key.close());

async function begin(options: OwnedKeyOptions = {}): Promise<OwnedKey> {
  key = await createOwnedKey(options);
  return key;
}

/** From the second step on nobody hears of the change any more, as when the client is killed between the two. */
function cutBeforeGoingOver({ servers }: TestNetwork): void {
  for (const server of servers) {
    server.tamper = ({ name, parameters }, honest) => {
      const { acknowledgements = [] } = parameters as { acknowledgements?: readonly unknown[] };
      const isSecond = name === 'change.commit' && acknowledgements.length > 0;
      return isSecond ? Promise.reject(unreachable(server.name)) : honest();
    };
  }
}

/** What a server says that was restored from before the change: it can take its share out of no certificate. */
function losesShare(network: TestNetwork, server: string): void {
  network.server(server).tamper = ({ name }, honest) =>
    name === 'change.commit'
      ? Promise.reject(new StateError('lost', { code: 'CHANGE_SHARE_LOST', hint: 'repair it' }))
      : honest();
}

const verdictsOf = async (client: Client) =>
  (await client.verifyKey(NAME)).servers.map(({ verdict }) => verdict);

describe('a client that is killed between the two steps of going over', () => {
  test('leaves a key that signs, for it and for another one that knows of nothing; verifying ends it', async () => {
    const { network, client, another } = await begin();
    const other = (await another()).client;
    cutBeforeGoingOver(network);
    expect(await client.changeKey(REFRESH)).toMatchObject({
      epoch: 1,
      behind: ['alpha', 'bravo', 'charlie'],
    });
    network.makeHonest();
    expect(await signersOf(other)).toHaveLength(2);
    expect(await epochOf(other)).toBe(0);
    expect(await verdictsOf(other)).toEqual(['holds', 'holds', 'holds']);
    expect(await epochOf(other)).toBe(1);
    expect(await signersOf(other)).toHaveLength(2);
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
    expect((await client.listChanges()).map(({ state }) => state)).toEqual(['finished']);
  });

  test('signs on with its own record, which has gone on', async () => {
    const { network, client } = await begin();
    cutBeforeGoingOver(network);
    await client.changeKey(REFRESH);
    network.makeHonest();
    expect(await signersOf(client, { without: ['charlie'] })).toEqual(['alpha', 'bravo']);
    expect(await epochOf(client)).toBe(1);
  });

  test('is followed by another one that orders something else: what is decided comes first', async () => {
    const { network, client, another } = await begin();
    const other = (await another()).client;
    cutBeforeGoingOver(network);
    await client.changeKey(REFRESH);
    network.makeHonest();
    const remove = { name: NAME, wish: { kind: 'remove-server', server: 'charlie' } } as const;
    expect(await other.changeKey(remove)).toMatchObject({ epoch: 1, isAsOrdered: false });
    expect(await other.changeKey(remove)).toMatchObject({ epoch: 2, isAsOrdered: true });
    expect(await signersOf(other)).toEqual(['alpha', 'bravo']);
  });
});

describe('servers of the next epoch that do not have their shares', () => {
  test('keep nobody from going over as long as as many have theirs as the quorum needs, and come along later', async () => {
    const { network, client } = await begin({ count: 4 });
    network.cut('delta', 'change.commit');
    const add = { name: NAME, wish: { kind: 'add-server', server: 'delta' } } as const;
    expect(await client.changeKey(add)).toMatchObject({ epoch: 1, behind: ['delta'] });
    expect(await signersOf(client, { without: ['charlie'] })).toEqual(['alpha', 'bravo']);
    network.makeHonest();
    expect(await verdictsOf(client)).toEqual(['holds', 'holds', 'holds', 'holds']);
    expect(await signersOf(client, { without: ['alpha', 'bravo'] })).toEqual(['charlie', 'delta']);
  });

  test.each(['check', 'repair'] as const)(
    'A12: one that joined and has not seen its certificate has lost nothing: a %s shows it',
    async (by) => {
      const { network, client } = await begin({ count: 4 });
      network.cut('delta', 'change.commit');
      const add = { name: NAME, wish: { kind: 'add-server', server: 'delta' } } as const;
      await client.changeKey(add);
      network.makeHonest();
      if (by === 'check') expect(await client.checkKey(NAME)).toMatchObject({ isSound: true, epoch: 1 });
      else {
        const repaired = await client.repairKey({ name: NAME, server: 'delta' });
        expect(repaired).toEqual({ outcome: 'held', server: 'delta' });
      }
      expect(await signersOf(client, { without: ['alpha', 'bravo'] })).toEqual(['charlie', 'delta']);
    },
  );

  test('too many of them keep the key in its epoch, in which it signs for every client: nothing is lost that was there', async () => {
    const { network, client, another } = await begin({ count: 5 });
    const other = (await another()).client;
    losesShare(network, 'echo');
    const move = { name: NAME, wish: requorum(2, ['delta', 'echo']) };
    const waits = { code: 'SERVERS_MISSING', facts: { servers: ['echo'] } };
    await expect(client.changeKey(move)).rejects.toMatchObject(waits);
    for (const one of [client, other]) {
      expect(await signersOf(one, { without: ['bravo'] })).toEqual(['alpha', 'charlie']);
      expect(await epochOf(one)).toBe(0);
    }
    await expect(client.changeKey(move)).rejects.toMatchObject(waits);
    network.makeHonest();
    expect(await client.changeKey(move)).toMatchObject({ epoch: 1, behind: [] });
    expect(await signersOf(client)).toEqual(['delta', 'echo']);
  });

  test('a promise that a server takes back before anybody has gone over counts no more', async () => {
    const { network, client } = await begin({ servers: ['alpha', 'bravo'] });
    network.cut('bravo', 'change.commit');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    losesShare(network, 'alpha');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      facts: { servers: ['alpha'] },
    });
    network.makeHonest();
    expect(await signersOf(client)).toEqual(['alpha', 'bravo']);
    expect(await epochOf(client)).toBe(0);
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
  });
});
