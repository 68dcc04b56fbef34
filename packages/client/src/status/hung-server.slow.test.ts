import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { timedOut } from '../carrier/fetch-send.js';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const key = { purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

let network: TestNetwork;
let client: Client;

beforeAll(async () => {
  network = await createTestNetwork(3);
  client = await network.owner({ timeoutMs: 15_000 });
  for (const name of ['one', 'two', 'three']) await client.createKey({ ...key, name });
});
afterEach(() => network.makeHonest());
afterAll(() => network.close());

/** From its n-th message on bravo answers nothing until the time of whoever asks is up. */
function hangFrom(count: number): void {
  let asked = 0;
  network.server('bravo').wire = (request, pass) => {
    if (++asked < count) return pass();
    return new Promise((_, reject) => {
      setTimeout(() => reject(timedOut('http://bravo.test', request.timeoutMs)), request.timeoutMs);
    });
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

test('status waits for a server that hangs no longer than it is told, whatever it was asked for when it began to hang', async () => {
  for (const count of [1, 2]) {
    hangFrom(count);
    const told: string[] = [];
    const took = await seconds(async () => {
      const { servers } = await client.status({ timeoutMs: 1_000, on: ({ name }) => told.push(name) });
      expect(servers[1]).toMatchObject({ isReachable: count === 2, problem: { code: 'SERVER_TIMEOUT' } });
    });
    expect(told.at(-1)).toBe('bravo');
    expect(took).toBeGreaterThan(0.9);
    expect(took).toBeLessThan(2.5);
  }
});

test('sign with one server of three that hangs takes less than 2.5 seconds, whichever is asked first', async () => {
  hangFrom(1);
  for (const name of ['one', 'two', 'three']) {
    const took = await seconds(async () => {
      const { signers } = await client.sign({ key: name, ...messageOf('x') });
      expect(signers).toEqual(['alpha', 'charlie']);
    });
    expect(took).toBeLessThan(2.5);
  }
});

test('diagnose waits for a server that hangs once, however many keys it holds', async () => {
  const impatient = await network.owner({ timeoutMs: 1_000 });
  for (const name of ['one', 'two', 'three']) await impatient.createKey({ ...key, name });
  hangFrom(1);
  const took = await seconds(async () => {
    const lines = await impatient.diagnose();
    expect(lines).toContainEqual(expect.objectContaining({ level: 'fail', subject: 'bravo' }));
  });
  expect(took).toBeLessThan(2.5);
});
