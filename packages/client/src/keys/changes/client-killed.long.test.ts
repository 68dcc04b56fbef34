// @module-tag long
import { CkmError, encodeHex } from '@ckm/foundation';
import { storedShares } from '@ckm/server/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { loseShare } from '../../test/disks.js';
import { type Arrow, ONE_WAIT_MS, createMortalClient } from '../../test/mortal-client.js';
import { approveSessions } from '../../test/operators.js';
import { createOwnedKey, NAME, type OwnedKey, REFRESH, signersOf } from '../../test/owned-key.js';
import { ownerClient, type TestNetwork } from '../../test/test-network.js';

/** Seconds between two tries of a change. */
const BETWEEN_TRIES = 600;
const MOST_TRIES = 6;
/** More places than any command has. */
const MOST = 200;
/** More changes make the chain of a key long, and all of it is checked again and again. */
const MOST_CHANGES = 16;

/** What is before a message is behind a write, or behind the answer to another message. */
const ARROWS: readonly Arrow[] = [
  { around: 'message', when: 'behind' },
  { around: 'write', when: 'before' },
  { around: 'write', when: 'behind' },
];

let owned: OwnedKey;
let network: TestNetwork;
let store: ClientStore;
let groupKey: string;
/** A process of the owner that does not die. */
let client: Client;
beforeEach(begin);
afterEach(end);

/** Servers, and a key of which nothing has happened yet. */
async function begin(): Promise<void> {
  owned = await createOwnedKey({ count: 4 });
  ({ network, store } = owned);
  groupKey = encodeHex((await owned.client.showKey(NAME)).public.groupKey);
  client = ownerClient(network.send, () => network.now, { store, timeoutMs: ONE_WAIT_MS });
}

async function end(): Promise<void> {
  await client.close();
  await owned.close();
}

const sign = (without: readonly string[] = []) => signersOf(client, { text: 'still', without });

/** The newest epoch, and who is in it, in order of slots. */
async function newest(): Promise<{ readonly epoch: number; readonly members: readonly string[] }> {
  const { epoch, roster } = (await client.showKey(NAME)).newest.params;
  const nameOf = (id: Uint8Array) =>
    network.servers.find(({ identity }) => encodeHex(identity.xid) === encodeHex(id))!.name;
  return { epoch, members: roster.map(({ serverId }) => nameOf(serverId)) };
}

/** The members, in order of slots; each of them has a share of the newest epoch and of no other, and nobody else has one. */
async function expectWhole(epoch: number, members: readonly string[]): Promise<void> {
  const { isSound, servers } = await client.verifyKey(NAME);
  expect({ isSound, servers: servers.map(({ server, verdict }) => `${server} ${verdict}`) }).toEqual({
    isSound: true,
    servers: members.map((name) => `${name} holds`),
  });
  const key = await client.showKey(NAME);
  expect([encodeHex(key.public.groupKey), key.newest.params.epoch]).toEqual([groupKey, epoch]);
  for (const { name, bare } of network.servers) {
    const epochs = (await storedShares(bare)).map((share) => share.epoch);
    expect(epochs, name).toEqual(members.includes(name) ? [epoch] : []);
  }
  const without = [members[epoch % members.length]!];
  expect(await sign(without)).toHaveLength(2);
}

/** Gives the command until it is through. @throws when it never is, or what keeps it is not said in words */
async function untilThrough(command: () => Promise<'through' | 'not yet'>): Promise<void> {
  const said: string[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      if ((await command()) === 'through') return;
      said.push('not yet');
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      // It was through before: the process died of what came behind.
      if (error.code === 'CHANGE_NOTHING') return;
      if (error.code === 'CHANGE_VOTES_TOO_FEW') network.now += BETWEEN_TRIES;
      said.push(`${error.code} (${error.message})`);
    }
  }
  throw new Error(said.join('; '));
}

describe.each(ARROWS)('the process of the owner is killed $when each $around', (arrow) => {
  test('of a change: the key signs, and the command given again finishes it', async () => {
    let { epoch, members } = await newest();
    let deaths = 0;
    for (let at = 1, died = true; died && at < MOST; at++) {
      if (epoch === MOST_CHANGES) {
        await end();
        await begin();
        ({ epoch, members } = await newest());
      }
      const [server, by] = members.includes('bravo') ? ['bravo', 'delta'] : ['delta', 'bravo'];
      const args = { name: NAME, wish: { kind: 'replace-server', server: server!, by: by! } } as const;
      const mortal = createMortalClient(network, store, arrow, at);
      await mortal.client.changeKey(args).catch(() => undefined);
      await mortal.client.close().catch(() => undefined);
      died = mortal.isDead();
      deaths += Number(died);
      expect(await sign()).toHaveLength(2);
      await untilThrough(async () => {
        const { isAsOrdered, behind, forgetting } = await client.changeKey(args);
        const isDone = forgetting.every(({ outcome }) => outcome === 'forgot');
        return isAsOrdered && behind.length === 0 && isDone ? 'through' : 'not yet';
      });
      members = members.map((one) => (one === server ? by! : one));
      await expectWhole(++epoch, members);
    }
    expect(deaths).toBeGreaterThan(5);
  }, 400_000);

  test('of a repair: the key signs, and the command given again gives the share back', async () => {
    // An epoch that a change has led to: whoever lost its share has forgotten what it voted.
    await client.changeKey(REFRESH);
    const { epoch, members } = await newest();
    let deaths = 0;
    for (let at = 1, died = true; died && at < MOST; at++) {
      await loseShare(network.server('alpha'));
      const mortal = createMortalClient(network, store, arrow, at);
      const isAlive = () => !mortal.isDead();
      for (let goes = true; goes && isAlive();) goes = await repairOnce(mortal.client).catch(() => isAlive());
      await mortal.client.close().catch(() => undefined);
      died = mortal.isDead();
      deaths += Number(died);
      expect(await sign(['alpha'])).toHaveLength(2);
      await untilThrough(async () => ((await repairOnce(client)) ? 'not yet' : 'through'));
      await expectWhole(epoch, members);
    }
    expect(deaths).toBeGreaterThan(5);
  }, 400_000);
});

/** Gives the command once; where operators are waited for, they say yes. @returns whether it has to be given again */
async function repairOnce(owner: Client): Promise<boolean> {
  try {
    await owner.repairKey({ name: NAME, server: 'alpha' });
    return false;
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'SERVERS_MISSING') throw error;
  }
  await approveSessions(network);
  return true;
}
