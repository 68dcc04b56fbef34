import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpCarrier } from './carrier/http-carrier.js';
import { createTestNetwork, type TestNetwork } from './test/test-network.js';
import { makeAKeyAndSign } from '../examples/make-a-key-and-sign.js';

let network: TestNetwork;
beforeEach(async () => {
  network = await createTestNetwork(3);
  // The example's client has the clock of the machine.
  network.now = Math.floor(Date.now() / 1000);
});
afterEach(() => network.close());

test('the example makes a key with three servers, shows what it signs, and its signature verifies', async () => {
  const shown: string[] = [];
  const verifies = await makeAKeyAndSign({
    seed: new Uint8Array(32).fill(9),
    servers: network.servers.map(({ name, url }) => ({ name, url })),
    carrier: httpCarrier(network.send),
    show: (line) => shown.push(line),
  });
  expect(verifies).toBe(true);
  expect(shown).toContainEqual(expect.stringMatching(/^alpha looks like [a-z]+( [a-z]+){5}$/));
  expect(shown).toContainEqual(expect.stringContaining('“hello”'));
  expect(shown.at(-1)).toMatch(/^signed by (alpha, bravo|alpha, charlie|bravo, charlie)$/);
});
