import { PolicyError } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { createOwnedKey, NAME, type OwnedKey, requorum, signersOf } from '../../test/owned-key.js';

const MOVE = { name: NAME, wish: requorum(2, ['delta', 'echo']) };

let key: OwnedKey;
afterEach(() => key.close());

/** The owner's laptop with a key of alpha, bravo and charlie, and another machine of his. */
async function begin(changes: 'automatic' | 'operator' = 'automatic') {
  key = await createOwnedKey({ count: 5, policy: { changes, changeDelay: 0 } });
  const { network, client: laptop } = key;
  return { network, laptop, other: (await key.another()).client };
}

/** Decides the change; its certificate is on the laptop alone. */
async function decide(laptop: Client): Promise<void> {
  const { network } = key;
  for (const { name } of network.servers) network.cut(name, 'change.commit');
  await expect(laptop.changeKey(MOVE)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
  network.makeHonest();
}

test('A4: a thief who has the certificate of a decided change carries a frozen key to servers that are frozen too', async () => {
  const { network, laptop, other } = await begin();
  await decide(laptop);
  // The other machine never added those that come.
  for (const name of ['delta', 'echo']) await other.removeServer(name);
  const frozen = await other.freezeKey(NAME, 3_600);
  expect(frozen.joining.map(({ verdict, code }) => [verdict, code])).toEqual([
    ['frozen', null],
    ['frozen', null],
  ]);
  expect(frozen).toMatchObject({
    isStopped: true,
    bound: [{ quorum: { needed: 2, of: 2 }, have: 2, stopping: 1 }],
  });
  expect(await laptop.changeKey(MOVE)).toMatchObject({ epoch: 1, behind: [] });
  await expect(signersOf(laptop)).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
  network.now += 3_600;
  expect(await signersOf(laptop)).toEqual(['delta', 'echo']);
});

test('a key is not told as stopped while servers are bound to others, of whom too few have heard', async () => {
  const { network, laptop, other } = await begin();
  await decide(laptop);
  for (const name of ['delta', 'echo']) network.cut(name);
  const few = await other.freezeKey(NAME, 3_600);
  expect(few).toMatchObject({ isStopped: false, stopping: 2, bound: [{ have: 0, stopping: 1 }] });
  expect(few.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'frozen', 'frozen']);
  expect(few.joining.map(({ verdict }) => verdict)).toEqual(['silent', 'silent']);
  network.server('echo').wire = null;
  const enough = await other.freezeKey(NAME, null);
  expect(enough).toMatchObject({ isStopped: true, until: few.until, bound: [{ have: 1, stopping: 1 }] });
});

test('whom an order that waits lets in is told too, and nobody’s word of a change that is none keeps a key from being stopped', async () => {
  const { network, laptop, other } = await begin('operator');
  await expect(laptop.changeKey(MOVE)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
  network.server('bravo').tamper = async ({ name }, honest) => {
    const said = await honest();
    if (name !== 'key.freeze') return said;
    return { ...(said as object), bound: { locks: null, signed: new Uint8Array(100).fill(1) } };
  };
  const frozen = await other.freezeKey(NAME, 3_600);
  expect(frozen).toMatchObject({ isStopped: true, bound: [] });
  expect(frozen.joining.map(({ server, verdict }) => [server, verdict])).toEqual([
    ['delta', 'frozen'],
    ['echo', 'frozen'],
  ]);
  network.server('echo').tamper = () =>
    Promise.reject(new PolicyError('no', { code: 'ACCOUNT_SUSPENDED', hint: 'ask' }));
  const again = await other.freezeKey(NAME, null);
  expect([again.isStopped, again.joining[1]!.verdict]).toEqual([true, 'refused']);
  const about = (await other.diagnose()).filter(({ text }) => text.startsWith('is frozen at'));
  expect(about).toMatchObject([{ level: 'warn', remedy: { kind: 'freezeKey' } }]);
  expect(about[0]!.text).toContain('a change may let in servers that have not heard');
});
