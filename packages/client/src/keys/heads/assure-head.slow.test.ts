import { StateError } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import { createTestNetwork, messageOf, type TestNetwork, unreachable } from '../../test/test-network.js';

let network: TestNetwork;
let client: Client;

beforeEach(async () => {
  network = await createTestNetwork(3);
  client = await network.owner({ store: memoryStore(), timeoutMs: 300 });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: ['alpha', 'bravo', 'charlie'],
  });
});
afterEach(() => network.close());

/** As a server does whose database is found to be older than what it has seen. */
const wentBack = (name: string) =>
  network.server(name).bare.sessions.voidOpen('the database is an older one');

const request = (text: string) => ({ key: 'letters', ...messageOf(text) });

describe('L5: a server that came back from an older state', () => {
  test('signs again when the client has asked the others how far the key is, and this is said in one line', async () => {
    await wentBack('alpha');
    const said: string[] = [];
    const { signers } = await client.sign({ ...request('one'), without: ['charlie'] }, ({ text }) =>
      said.push(text),
    );
    expect(signers.toSorted()).toEqual(['alpha', 'bravo']);
    expect(said.filter((text) => text.startsWith('alpha came back'))).toEqual([
      'alpha came back from an older state: the others have told it how far letters is',
    ]);
    const again: string[] = [];
    await client.sign({ ...request('two'), without: ['charlie'] }, ({ text }) => again.push(text));
    expect(again.some((text) => text.startsWith('alpha came back'))).toBe(false);
  });

  test('does not sign where too few others answer, and says who is missing', async () => {
    await wentBack('alpha');
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    await expect(client.sign({ ...request('one'), without: ['charlie'] })).rejects.toMatchObject({
      code: 'HEADS_TOO_FEW',
      facts: { slots: '3' },
    });
    expect((await client.checkKey('letters')).servers.map(({ code }) => code)).toEqual([
      'HEADS_TOO_FEW',
      null,
      'SERVER_UNREACHABLE',
    ]);
  });

  test('A14: is not said of one that only read its key while another message wrote it: it does not ask', async () => {
    const hint = 'ask again';
    let calls = 0;
    network.server('alpha').tamper = ({ name }, honest) =>
      /^(craft|request)/.test(name) && calls++ === 0
        ? Promise.reject(new StateError('read too early', { code: 'KEY_HEAD_UNKNOWN', hint }))
        : honest();
    const said: string[] = [];
    const { signers } = await client.sign({ ...request('one'), without: ['charlie'] }, ({ text }) =>
      said.push(text),
    );
    expect(signers.toSorted()).toEqual(['alpha', 'bravo']);
    expect(calls).toBeGreaterThan(1);
    expect(said.filter((text) => text.includes('came back'))).toEqual([]);
  });

  test('deals in a change again, which begins by asking the others', async () => {
    await wentBack('alpha');
    const changed = await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    expect(changed).toMatchObject({ epoch: 1 });
    const { signers } = await client.sign({ ...request('one'), without: ['charlie'] });
    expect(signers.toSorted()).toEqual(['alpha', 'bravo']);
  });
});
