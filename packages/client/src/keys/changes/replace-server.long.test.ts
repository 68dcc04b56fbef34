// @module-tag long
import { encodeHex } from '@ckm/foundation';
import { storedShares } from '@ckm/server/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { loseShare } from '../../test/disks.js';
import { createOwnedKey, NAME, type OwnedKey, SERVERS, signersOf } from '../../test/owned-key.js';
import { type TestNetwork, unreachable } from '../../test/test-network.js';
import type { ChangeWish } from './plan-change.js';

const replacing = (server: string, by: string) => ({
  name: NAME,
  wish: { kind: 'replace-server', server, by } satisfies ChangeWish,
});
const BY_DELTA = replacing('bravo', 'delta');

let key: OwnedKey;
let network: TestNetwork;
let client: Client;
beforeEach(async () => {
  key = await createOwnedKey({ count: 4, client: { timeoutMs: 400 } });
  ({ network, client } = key);
});
afterEach(() => key.close());

const namesOf = async () =>
  (await client.showKey(NAME)).newest.params.roster.map(
    ({ serverId }) =>
      network.servers.find(({ identity }) => encodeHex(identity.xid) === encodeHex(serverId))!.name,
  );

async function expectEachPairSigns(names: readonly string[]): Promise<void> {
  for (const without of names) {
    const others = names.filter((one) => one !== without);
    expect(await signersOf(client, { without: [without] })).toEqual(others);
  }
}

describe('L6: another server in the place of one that is gone', () => {
  test('has its slot and a new share, with the same key and quorum; nobody waits for the one that is gone', async () => {
    const { public: born } = await client.showKey(NAME);
    network.cut('bravo');
    const plan = await client.planChange(BY_DELTA);
    expect(plan).toMatchObject({
      kind: 'replace-server',
      joining: ['delta'],
      leaving: [{ name: 'bravo' }],
      order: { quorum: { needed: 2, of: 3 } },
    });
    expect(plan.next.map(({ name }) => name)).toEqual(['alpha', 'delta', 'charlie']);
    const changed = await client.changeKey(BY_DELTA);
    expect(changed).toMatchObject({ epoch: 1, isAsOrdered: true, behind: [], isElsewhere: true });
    const said = Object.fromEntries(changed.forgetting.map(({ server, outcome }) => [server, outcome]));
    expect(said).toEqual({ alpha: 'forgot', bravo: 'silent', charlie: 'forgot' });
    expect(await namesOf()).toEqual(['alpha', 'delta', 'charlie']);
    expect((await client.showKey(NAME)).public.groupKey).toEqual(born.groupKey);
    await expectEachPairSigns(['alpha', 'delta', 'charlie']);
  });

  test('of which the share of the other is worth nothing: found again, that one is told that it has left, and destroys it', async () => {
    network.cut('bravo');
    await client.changeKey(BY_DELTA);
    network.makeHonest();
    const again = await client.changeKey(BY_DELTA);
    expect(again.forgetting.map(({ outcome }) => outcome)).toEqual(['forgot', 'forgot', 'forgot']);
    const { bare } = network.server('bravo');
    expect(await storedShares(bare)).toEqual([]);
  });

  test('is gone on with by the same wish from wherever it stopped, and has nothing left to do at its end', async () => {
    network.cut('delta', 'session.join');
    await expect(client.changeKey(BY_DELTA)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    await expectEachPairSigns(SERVERS);
    network.makeHonest();
    network.cut('charlie', 'change.retire');
    const first = await client.changeKey(BY_DELTA);
    expect(first.forgetting.map(({ outcome }) => outcome)).toContain('silent');
    network.makeHonest();
    expect(await client.changeKey(BY_DELTA)).toMatchObject({ epoch: 1, behind: [] });
    await expect(client.changeKey(BY_DELTA)).rejects.toMatchObject({
      code: 'CHANGE_NOTHING',
      message: 'delta is a server of key letters, and bravo is none any more',
    });
    await expectEachPairSigns(['alpha', 'delta', 'charlie']);
  });

  test('that dies when it has acknowledged and not gone over is shown the certificate by the same wish, or by the next change that keeps it', async () => {
    const die = () => {
      network.server('delta').tamper = ({ name, parameters }, honest) =>
        name === 'change.commit' &&
        ((parameters as { acknowledgements?: unknown[] }).acknowledgements ?? []).length > 0
          ? Promise.reject(unreachable('delta'))
          : honest();
    };
    die();
    const changed = await client.changeKey(BY_DELTA);
    expect(changed.behind).toEqual(['delta']);
    expect(changed.forgetting.map(({ outcome }) => outcome)).toEqual(['forgot', 'forgot', 'forgot']);
    network.makeHonest();
    expect(await client.changeKey(BY_DELTA)).toMatchObject({ epoch: 1, isAsOrdered: true, behind: [] });
    await client.changeKey(replacing('delta', 'bravo'));
    die();
    expect((await client.changeKey(BY_DELTA)).behind).toEqual(['delta']);
    network.cut('delta');
    const without = { kind: 'remove-server', server: 'delta' } as const;
    await client.changeKey({ name: NAME, wish: without });
    // It is waited for by the change that removes it, and by no earlier one.
    const two = { kind: 'add-server', server: 'bravo' } as const;
    expect(await client.changeKey({ name: NAME, wish: two })).toMatchObject({ epoch: 5, behind: [] });
    const open = (await client.listChanges()).filter(({ state }) => state === 'open');
    expect(open).toEqual([]);
    await expectEachPairSigns(['alpha', 'charlie', 'bravo']);
  });

  test('ends a repair of the lost share that was under way: nobody gives that back any more', async () => {
    await loseShare(network.server('bravo'));
    const repair = { name: NAME, server: 'bravo' };
    await expect(client.repairKey(repair)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    expect(await client.changeKey(BY_DELTA)).toMatchObject({ epoch: 1, behind: [] });
    await expect(client.repairKey(repair)).rejects.toMatchObject({ code: 'QUORUM_SERVERS_MISMATCH' });
    for (const { bare } of network.servers) {
      const waiting = (await bare.sessions.sessionDesk.list()).sessions;
      expect(waiting).toEqual([]);
    }
    await expectEachPairSigns(['alpha', 'delta', 'charlie']);
  });
});

describe('a wish for another server that cannot be is refused before anybody is asked', () => {
  test.each([
    [
      'the same one',
      replacing('bravo', 'bravo'),
      'SERVERS_NOT_DISTINCT',
      'server bravo cannot take its own place',
    ],
    [
      'one of the key already',
      replacing('bravo', 'alpha'),
      'SERVERS_NOT_DISTINCT',
      'server alpha is one of key letters already',
    ],
    [
      'for one that is none of the key',
      replacing('delta', 'alpha'),
      'CHANGE_NOTHING',
      'alpha is a server of key letters, and delta is none any more',
    ],
    ['one that nobody knows', replacing('bravo', 'golf'), 'SERVER_UNKNOWN', expect.stringContaining('golf')],
    [
      'for one that nobody knows',
      replacing('golf', 'delta'),
      'SERVER_UNKNOWN',
      expect.stringContaining('golf'),
    ],
  ])('%s', async (_, wish, code, message) => {
    for (const server of network.servers) server.asked.length = 0;
    await expect(client.changeKey(wish)).rejects.toMatchObject({ code, message });
    await expect(client.planChange(wish)).rejects.toMatchObject({ code, message });
    expect(await client.listChanges()).toEqual([]);
    expect(
      network.servers.flatMap(({ asked }) => asked.filter((name) => name.startsWith('change.'))),
    ).toEqual([]);
  });

  test('for one that is none of the key, by one that is none either', async () => {
    await client.changeKey({ name: NAME, wish: { kind: 'remove-server', server: 'charlie' } });
    await expect(client.planChange(replacing('charlie', 'delta'))).rejects.toMatchObject({
      code: 'QUORUM_SERVERS_MISMATCH',
      message: 'server charlie is not one of the key',
    });
    const less = { name: NAME, wish: { kind: 'remove-server', server: 'bravo' } } as const;
    await expect(client.planChange(less)).rejects.toMatchObject({
      code: 'QUORUM_INVALID',
      message: 'key letters takes all of its 2 servers: without bravo the others are too few to sign',
      hint: 'let another server take its place, or order another quorum of those that stay',
    });
  });
});
