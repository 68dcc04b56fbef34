// @module-tag long
import { requestKind, frostTasks } from '@ckm/requests';
import { verifySignature } from '@ckm/threshold';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import {
  createOwnedNetwork,
  createTwoKeys,
  messageOf,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

vi.mock(import('@ckm/requests'), async (original) => {
  const real = await original();
  return { ...real, requestKind: vi.fn(real.requestKind) };
});

let network: TestNetwork;
let client: Client;
let store: ClientStore;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
  await createTwoKeys(client);
  for (const server of network.servers) server.asked = [];
});
afterEach(() => network.close());

test(
  'prepare sends nothing and writes nothing, and what it described is what is signed',
  { tags: 'slow' },
  async () => {
    const asked = await client.prepare({ key: 'savings', ...messageOf('hello') });
    expect(asked.description.sentence).toContain('hello');
    expect(network.servers.flatMap((server) => server.asked)).toEqual([]);
    expect(await store.list('requests')).toEqual([]);
    const { description, signers } = await asked.sign();
    expect(description).toBe(asked.description);
    expect(signers).toEqual(['alpha', 'bravo']);
  },
);

test(
  'prepare, then a caller that overwrites its bytes: the servers still get what was shown',
  { tags: 'slow' },
  async () => {
    const request = messageOf('one euro for bob');
    const asked = await client.prepare({ key: 'savings', ...request });
    request.payload.set(messageOf('all gold for bob').payload);
    const { artefact } = await asked.sign();
    const { artefact: honest } = await client.sign({ key: 'savings', ...messageOf('one euro for bob') });
    // Ed25519 signatures of a quorum are fresh each time: that both fit one text is for the verifier to say.
    const { context, public: made } = await client.showKey('savings');
    const [task] = frostTasks(
      requestKind('message').parse(messageOf('one euro for bob').payload).tasks(context),
    );
    for (const signature of [artefact, honest]) {
      expect(verifySignature(made.suite, made.groupKey, task!.message, signature)).toBe(true);
    }
  },
);

test(
  'prepare, then a key that takes the name of another: the key that was shown signs',
  { tags: 'slow' },
  async () => {
    const asked = await client.prepare({ key: 'savings', ...messageOf('hello') });
    await client.renameKey('savings', 'old');
    await client.renameKey('trash', 'savings');
    expect((await asked.sign()).signers).toEqual(['alpha', 'bravo']);
  },
);

test('one yes is one signature: sign called twice asks once', async () => {
  const asked = await client.prepare({ key: 'savings', ...messageOf('once') });
  const [first, second] = await Promise.all([asked.sign(), asked.sign()]);
  expect(second).toBe(first);
});

test('from preparing to asking a request is parsed once', async () => {
  const parsed = vi.mocked(requestKind).mock.results.length;
  const asked = await client.prepare({ key: 'savings', ...messageOf('counted') });
  for (const server of network.servers) server.wire = () => Promise.reject(unreachable(server.url));
  await expect(asked.sign()).rejects.toMatchObject({ code: 'TOO_FEW_SERVERS' });
  expect(vi.mocked(requestKind).mock.results.length - parsed).toBe(1);
});
