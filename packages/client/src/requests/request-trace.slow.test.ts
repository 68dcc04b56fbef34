import { encodeHex } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import {
  type Asked,
  createOwnedNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

let network: TestNetwork;
let store: ClientStore;
let client: Client;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
});
afterEach(() => network.close());

const make = (approval: 'automatic' | 'operator') =>
  client.createKey({
    name: 'k',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: network.servers.map(({ name }) => name),
    policy: { approval },
  });
const openRequests = async () => (await client.listRequests()).filter(({ state }) => state === 'open');
const desks = async () =>
  (await Promise.all(network.servers.map(({ bare }) => bare.sessions.desk.list()))).flat();

/** Runs before each server hears of each message. */
function watch(see: (asked: Asked) => Promise<unknown>): void {
  for (const server of network.servers) {
    server.tamper = async (asked, honest) => {
      await see(asked);
      return honest();
    };
  }
}

describe('a request for a signature', () => {
  test('is on record before any server hears of it, with its attempts, and gone with the answer', async () => {
    await make('automatic');
    const seen: { open: number; known: boolean }[] = [];
    watch(async ({ name, parameters }) => {
      if (name !== 'request.ask') return;
      const { attempt } = parameters as { attempt: { number: number } | null };
      const open = await openRequests();
      const known = open.every(({ attempts }) => attempts >= (attempt?.number ?? 0));
      seen.push({ open: open.length, known });
    });
    await client.sign({ key: 'k', ...messageOf('remembered') });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.every(({ open, known }) => open === 1 && known)).toBe(true);
    expect(await client.listRequests()).toEqual([]);
  });

  test('whose client dies at any message is resumed by the next one, which gets the signature', async () => {
    await make('automatic');
    for (let crashAt = 1; crashAt <= 5; crashAt++) {
      let count = 0;
      const died = new Promise<void>((resolve) => {
        const crashing = ownerClient(
          (url, request) => {
            if (++count < crashAt) return network.send(url, request);
            resolve();
            return new Promise(() => undefined);
          },
          () => network.now,
          { store },
        );
        void crashing.sign({ key: 'k', ...messageOf(`dies at ${crashAt}`) }).catch(() => undefined);
      });
      await died;
      const [request, ...more] = await openRequests();
      expect(more).toEqual([]);
      const { description } = await (await client.prepareAgain(encodeHex(request!.requestId))).sign();
      expect(description.sentence).toContain(`dies at ${crashAt}`);
      expect(await openRequests()).toEqual([]);
    }
  });

  test('whose client dies before people decide is withdrawn from every desk by the next one', async () => {
    await make('operator');
    let heard = 0;
    const arrived = new Promise<void>((resolve) => {
      const crashing = ownerClient(
        async (url, request) => {
          await network.send(url, request);
          if (++heard === 3) resolve();
          return new Promise(() => undefined);
        },
        () => network.now,
        { store },
      );
      void crashing.sign({ key: 'k', ...messageOf('orphan') }).catch(() => undefined);
    });
    await arrived;
    expect(await desks()).toHaveLength(3);
    const [request] = await openRequests();
    await client.cancelRequest(encodeHex(request!.requestId), 'the laptop died');
    expect(await desks()).toEqual([]);
  });

  test('that a server whose answer was lost has put before its operator is taken off that desk once the others have signed', async () => {
    await make('operator');
    const charlie = network.server('charlie');
    charlie.wire = async (_request, pass) => {
      await pass();
      throw unreachable('charlie');
    };
    const signing = client.sign({ key: 'k', ...messageOf('late') });
    await vi.waitUntil(async () => (await desks()).length === 3, { timeout: 10_000 });
    charlie.wire = (_request, pass) => pass();
    for (const name of ['alpha', 'bravo']) {
      const { desk } = network.server(name).bare.sessions;
      for (const { requestId } of await desk.list()) await desk.approve(requestId);
    }
    expect((await signing).signers).toEqual(['alpha', 'bravo']);
    await client.close();
    client = ownerClient(network.send, () => network.now, { store });
    expect(charlie.asked).toContain('request.cancel');
    expect(await desks()).toEqual([]);
  });

  test('that comes to nothing stays on no record and on no desk', async () => {
    await make('operator');
    for (const name of ['bravo', 'charlie']) {
      network.server(name).wire = () => Promise.reject(unreachable(name));
    }
    await expect(client.sign({ key: 'k', ...messageOf('alone') })).rejects.toMatchObject({
      code: 'TOO_FEW_SERVERS',
    });
    await client.close();
    client = ownerClient(network.send, () => network.now, { store });
    expect(network.server('alpha').asked).toContain('request.ask');
    expect(await desks()).toEqual([]);
    expect(await client.listRequests()).toEqual([]);
  });
});
