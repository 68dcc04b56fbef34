// @module-tag long
import type { FunctionName } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME } from '../../test/owned-key.js';
import { ownerClient, unreachable } from '../../test/test-network.js';
import type { ChangeWish } from './plan-change.js';

let life: KeyLife;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await life.close();
});

/** Where the network breaks in two: when the first device asks for this the first time. */
const STEPS: readonly FunctionName[] = [
  'change.promise',
  'session.propose',
  'session.join',
  'session.deliver',
  'change.lock',
  'change.yield',
  'change.commit',
];

/** Whether it holds, or is broken, and who reaches whom then. */
interface Break {
  isBroken: boolean;
  readonly left: readonly string[];
}

/** A device of the same owner, which reaches one half while the network is broken. */
async function device(broken: Break, isLeft: boolean): Promise<Client> {
  const { network } = life;
  const client = ownerClient(
    (url, request) => {
      const { name } = network.servers.find((one) => one.url === url)!;
      const isNear = broken.left.includes(name) === isLeft;
      return broken.isBroken && !isNear ? Promise.reject(unreachable(name)) : network.send(url, request);
    },
    () => network.now,
    { store: memoryStore(), timeoutMs: 20 },
  );
  clients.push(client);
  for (const { name, url } of network.servers) await client.addServer({ name, url });
  const { keys } = await client.fetchKeys();
  await client.keepKey(keys[0]!, { name: NAME });
  return client;
}

/** What a command came to: null when it is through, else the code of what it says. */
async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return error.code;
    throw error;
  }
}

/** Both devices go on until neither has anything to do. */
async function heal(devices: readonly (readonly [Client, ChangeWish])[]): Promise<void> {
  for (let tries = 0; tries < 12; tries++) {
    const said: (string | null)[] = [];
    for (const [client, wish] of devices) {
      await client.verifyKey(NAME);
      said.push(await codeOf(client.changeKey({ name: NAME, wish })));
    }
    if (said.every((code) => code === null || ['CHANGE_NOTHING', 'SERVERS_NOT_DISTINCT'].includes(code)))
      return;
    for (const [client] of devices) {
      for (const change of await client.listChanges()) {
        const isOver = change.order.epoch < (await client.showKey(NAME)).newest.params.epoch;
        if (change.state === 'open' && isOver && change.certificate === null)
          await codeOf(client.cancelChange(change, 'the other device was quicker'));
      }
    }
    await life.pass(600);
  }
}

const TWO_OF_THREE = { members: ['alpha', 'bravo', 'charlie'], left: ['alpha'] } as const;
const TWO_OF_FOUR = { members: ['alpha', 'bravo', 'charlie', 'delta'], left: ['alpha', 'bravo'] } as const;

/** Both halves want new shares: two sessions of one order. */
const REFRESH = {
  wants: 'the same refresh',
  mine: { kind: 'refresh' },
  theirs: { kind: 'refresh' },
} as const;
/** Each half wants servers of its own. */
const APART = {
  wants: 'servers of its own',
  mine: { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'echo'] },
  theirs: { kind: 'requorum', quorum: { needed: 2, of: 3 }, servers: ['charlie', 'echo', 'bravo'] },
} as const satisfies Record<string, ChangeWish | string>;

const WORLDS = [
  { ...TWO_OF_THREE, ...APART },
  { ...TWO_OF_FOUR, ...REFRESH },
  { ...TWO_OF_FOUR, ...APART },
];

describe.each(WORLDS)(
  'a network that breaks in two around 2 of $members, where each half has a device that wants $wants',
  ({ members, left, mine, theirs }) => {
    test.each(STEPS)(
      'V33a, V33c: at %s: one certificate of each epoch at most, and one key when it is whole again',
      async (step) => {
        life = await createKeyLife(members, 2, 0);
        const broken: Break = { isBroken: false, left };
        const [one, other] = [await device(broken, true), await device(broken, false)];
        for (const server of life.network.servers) {
          server.tamper = ({ name }, honest) => {
            if (name === step) broken.isBroken = true;
            const isLost = name === step && !broken.left.includes(server.name);
            return isLost ? Promise.reject(unreachable(server.name)) : honest();
          };
        }
        await codeOf(one.changeKey({ name: NAME, wish: mine }));
        expect(broken.isBroken).toBe(true);
        life.network.makeHonest();
        await codeOf(other.changeKey({ name: NAME, wish: theirs }));
        await codeOf(one.changeKey({ name: NAME, wish: mine }));
        broken.isBroken = false;
        await heal([
          [one, mine],
          [other, theirs],
        ]);
        await life.client.verifyKey(NAME);
        let drawn = 7;
        await life.judge((bound) => (drawn = (drawn * 31 + 11) % 9_973) % bound);
        const epochs = await Promise.all(
          [life.client, one, other].map(async (client) => {
            await client.verifyKey(NAME);
            return (await client.showKey(NAME)).newest;
          }),
        );
        expect(epochs[0]!.params.epoch).toBeGreaterThan(0);
        for (const { transcriptHash } of epochs) expect(transcriptHash).toEqual(epochs[0]!.transcriptHash);
      },
      60_000,
    );
  },
);
