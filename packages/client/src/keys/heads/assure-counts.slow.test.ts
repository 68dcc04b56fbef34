import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import { createTestNetwork, messageOf, type TestNetwork, unreachable } from '../../test/test-network.js';

let network: TestNetwork;
let client: Client;
afterEach(() => network.close());

/** A key that may be used six times an hour. */
async function makeKey(servers: readonly string[], needed: number): Promise<void> {
  client = await network.owner({ store: memoryStore(), timeoutMs: 300 });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed, of: servers.length },
    servers: [...servers],
    policy: { rateLimit: { count: 6, perSeconds: 3_600 }, changes: 'automatic', changeDelay: 0 },
  });
}

/** As a server does whose database is found to be older than what it has seen. */
const wentBack = (name: string) =>
  network.server(name).bare.sessions.voidOpen('the database is an older one');

/** Who signs, and what is said of a server that did not know how often the key was used. */
async function sign(text: string, without: string[]) {
  const said: string[] = [];
  const { signers } = await client.sign({ key: 'letters', ...messageOf(text), without }, (progress) =>
    said.push(progress.text),
  );
  return { signers: signers.toSorted(), said: said.filter((line) => /came back|did not know/.test(line)) };
}

describe('P14: the client asks the others how often a key was used', () => {
  test('for a server that came back from an older state, with how far it is, in one line', async () => {
    network = await createTestNetwork(3);
    await makeKey(['alpha', 'bravo', 'charlie'], 2);
    await wentBack('alpha');
    expect(await sign('one', ['charlie'])).toEqual({
      signers: ['alpha', 'bravo'],
      said: ['alpha came back from an older state: the others have told it how far letters is'],
    });
    expect((await sign('two', ['charlie'])).said).toEqual([]);
  });

  test('and what they have voided for that it never sends: the next signature costs one attempt', async () => {
    network = await createTestNetwork(3);
    await makeKey(['alpha', 'bravo', 'charlie'], 2);
    await sign('one', ['charlie']);
    await wentBack('alpha');
    await sign('two', ['charlie']);
    const states: unknown[] = [];
    network.server('bravo').tamper = async ({ name }, honest) => {
      const reply = await honest();
      if (name === 'request.ask') states.push((reply as { state: string }).state);
      return reply;
    };
    await sign('three', ['charlie']);
    expect(states).not.toContain('stale');
    expect(states).toContain('answered');
  });

  test('for a server that joined, of which those that it took the place of know too', async () => {
    network = await createTestNetwork(4);
    await makeKey(['alpha', 'bravo', 'charlie'], 2);
    await sign('one', ['charlie']);
    await client.changeKey({
      name: 'letters',
      wish: { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['charlie', 'delta'] },
    });
    expect(await sign('two', [])).toEqual({
      signers: ['charlie', 'delta'],
      said: ['delta did not know how often letters was used lately: the others have told it'],
    });
  });

  test('2-of-2: with the other one alone', async () => {
    network = await createTestNetwork(2);
    await makeKey(['alpha', 'bravo'], 2);
    await wentBack('alpha');
    expect((await sign('one', [])).signers).toEqual(['alpha', 'bravo']);
  });

  test('3-of-5: with one dead, one that came back, and another one after it', async () => {
    network = await createTestNetwork(5);
    await makeKey(['alpha', 'bravo', 'charlie', 'delta', 'echo'], 3);
    network.server('echo').wire = () => Promise.reject(unreachable('echo'));
    await wentBack('alpha');
    expect((await sign('one', ['delta', 'echo'])).signers).toEqual(['alpha', 'bravo', 'charlie']);
    await wentBack('bravo');
    expect((await sign('two', ['delta', 'echo'])).signers).toEqual(['alpha', 'bravo', 'charlie']);
  });
});
