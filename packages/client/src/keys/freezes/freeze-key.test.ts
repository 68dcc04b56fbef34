import { encodeUtf8, encodeHex, PolicyError } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { createKeyDesk } from '@ckm/server/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { createOwnedNetwork, type TestNetwork, unreachable } from '../../test/test-network.js';
import { USUAL_FREEZE_SECONDS } from './freeze-record.js';

let network: TestNetwork;
let client: Client;

beforeEach(async () => {
  ({ network, client } = await createOwnedNetwork());
  const servers = network.servers.map(({ name }) => name);
  await client.createKey({ name: 'ink', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
});
afterEach(() => network.close());

const silence = (...names: readonly string[]) => {
  for (const name of names) network.server(name).wire = () => Promise.reject(unreachable(name));
};
const sign = (text: string) =>
  client.sign({
    key: 'ink',
    kind: 'message',
    payload: buildMessageRequest({ domain: 'test', bytes: encodeUtf8(text) }),
  });
const statusOf = async () => (await client.status()).keys.find(({ name }) => name === 'ink')!;

describe('client.freezeKey', () => {
  test('says that a key is stopped only where n − t + 1 servers have it, and goes on with the same freeze', async () => {
    silence('bravo', 'charlie');
    const first = await client.freezeKey('ink', null);
    expect(first).toMatchObject({ stopping: 2, isStopped: false, until: network.now + USUAL_FREEZE_SECONDS });
    expect(first.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'silent', 'silent']);
    network.makeHonest();
    expect(await statusOf()).toMatchObject({
      frozen: [{ server: 'alpha' }],
      reachable: ['bravo', 'charlie'],
    });
    // One alone does not stop it.
    await sign('still signs');
    silence('charlie');
    network.now += 60;
    const second = await client.freezeKey('ink', null);
    expect(second).toMatchObject({ isStopped: true, until: first.until });
    network.makeHonest();
    await expect(sign('stopped')).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
    const { frozen, margin, absent } = await statusOf();
    expect(frozen.map(({ server, until }) => [server, until])).toEqual([
      ['alpha', first.until],
      ['bravo', first.until],
    ]);
    expect([margin, absent]).toEqual([-1, []]);
  });

  test('tells a server that refuses apart from one that is silent', async () => {
    const refusing = new PolicyError('no', { code: 'FREEZE_USED_UP', hint: 'wait' });
    network.server('alpha').tamper = () => Promise.reject(refusing);
    const { servers, isStopped } = await client.freezeKey('ink', 3_600);
    expect(servers.map(({ verdict, code }) => [verdict, code])).toEqual([
      ['refused', 'FREEZE_USED_UP'],
      ['frozen', null],
      ['frozen', null],
    ]);
    expect(isStopped).toBe(true);
  });

  test('asked for seven days while it is frozen already goes on to the seventh, which servers do not refuse', async () => {
    const first = await client.freezeKey('ink', 3_600);
    network.now += 1_800;
    const second = await client.freezeKey('ink', 7 * 86_400);
    expect(second).toMatchObject({ isStopped: true, until: first.until! - 3_600 + 7 * 86_400 });
  });

  test('asked for a longer time states a new freeze, and ends by itself', async () => {
    const first = await client.freezeKey('ink', 3_600);
    const second = await client.freezeKey('ink', 7_200);
    expect(second.until).toBe(first.until! + 3_600);
    expect((await client.freezeKey('ink', 60)).until).toBe(second.until);
    network.now += 7_200;
    expect((await statusOf()).frozen).toEqual([]);
    await sign('goes on');
  });
});

describe('client.thawKey', () => {
  test('only asks, which operators see; once they have thawed it, a new freeze is another one', async () => {
    await client.freezeKey('ink', 3_600);
    network.now += 10;
    const asked = await client.thawKey('ink');
    expect(asked.servers.map(({ verdict, thawAskedAt }) => [verdict, thawAskedAt])).toEqual([
      ['frozen', network.now],
      ['frozen', network.now],
      ['frozen', network.now],
    ]);
    await expect(sign('thief')).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
    const { keyId } = await client.showKey('ink');
    for (const { bare } of network.servers.slice(0, 2))
      await createKeyDesk(bare).thaw(encodeHex(keyId), null);
    await sign('thawed');
    expect((await client.thawKey('ink')).servers.map(({ verdict }) => verdict)).toEqual([
      'open',
      'open',
      'frozen',
    ]);
    const again = await client.freezeKey('ink', 3_600);
    expect(again.isStopped).toBe(true);
  });

  test('what operators have thawed, because somebody asked, is frozen again by the very next ckm freeze', async () => {
    const first = await client.freezeKey('ink', 3_600);
    const { keyId } = await client.showKey('ink');
    for (const { bare } of network.servers.slice(0, 2))
      await createKeyDesk(bare).thaw(encodeHex(keyId), null);
    await sign('thief');
    network.now += 60;
    const again = await client.freezeKey('ink', null);
    expect(again).toMatchObject({ isStopped: true, until: first.until });
    expect(again.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'frozen', 'frozen']);
  });

  test('doctor says where a key is frozen, and that too few have been told', async () => {
    const about = async () =>
      (await client.diagnose()).filter(({ remedy }) => /^(freeze|thaw)Key$/.test(remedy?.kind ?? ''));
    expect(await about()).toEqual([]);
    silence('bravo', 'charlie');
    await client.freezeKey('ink', 3_600);
    network.makeHonest();
    expect(await about()).toMatchObject([{ level: 'fail', subject: 'ink', remedy: { kind: 'freezeKey' } }]);
    await client.freezeKey('ink', null);
    expect(await about()).toMatchObject([{ level: 'warn', subject: 'ink', remedy: { kind: 'thawKey' } }]);
  });
});
