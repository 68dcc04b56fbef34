// @module-tag long
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { createOwnedKey, epochOf, NAME, type OwnedKey, requorum, signersOf } from '../test/owned-key.js';
import type { TestNetwork } from '../test/test-network.js';

const NOW = ['charlie', 'delta', 'echo'];

let owned: OwnedKey;
let network: TestNetwork;
/** A second client of the same owner, which was away while the key went from alpha, bravo, charlie to charlie, delta, echo. */
let away: Client;

beforeEach(async () => {
  owned = await createOwnedKey({ count: 5 });
  ({ network } = owned);
  ({ client: away } = await owned.another());
  await owned.client.changeKey({ name: NAME, wish: requorum(2, NOW) });
});
afterEach(() => owned.close());

const verdictsIn = (servers: readonly { readonly verdict: string }[]) =>
  servers.map(({ verdict }) => verdict);

describe('a client that was away while servers left its key', () => {
  test('freezes at the servers that hold it now, and counts no word of those that left', async () => {
    const frozen = await away.freezeKey(NAME, 3_600);
    expect(frozen.servers.map(({ server, verdict }) => [server, verdict])).toEqual([
      ['charlie', 'frozen'],
      ['delta', 'frozen'],
      ['echo', 'frozen'],
    ]);
    expect(frozen.isStopped).toBe(true);
    await expect(signersOf(owned.client)).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
  });

  test('does not say that the key is stopped where only servers that left could be told', async () => {
    for (const name of NOW) network.cut(name);
    const { isStopped, servers } = await away.freezeKey(NAME, 3_600);
    expect(isStopped).toBe(false);
    expect(verdictsIn(servers)).not.toContain('frozen');
  });

  test('signs with the servers of now, though a server that left refuses first', async () => {
    const signers = await signersOf(away);
    expect(signers.every((name) => NOW.includes(name))).toBe(true);
    expect(await epochOf(away)).toBe(1);
  });

  test('learns of the change from a server that left alone, by its certificate', async () => {
    for (const name of NOW) network.cut(name);
    expect((await away.verifyKey(NAME)).isSound).toBe(false);
    expect(await epochOf(away)).toBe(1);
  });

  test('verifies and checks the key where it is now', async () => {
    expect((await away.verifyKey(NAME)).isSound).toBe(true);
    expect((await away.checkKey(NAME)).isSound).toBe(true);
  });

  test('is not kept for ever by a server that shows pages of certificates without an end', async () => {
    network.server('alpha').tamper = ({ name, parameters }, honest) =>
      name === 'key.chain'
        ? Promise.resolve({
            certificates: [],
            next: ((parameters as { after: number | null }).after ?? 0) + 1,
          })
        : honest();
    expect((await away.verifyKey(NAME)).isSound).toBe(true);
    expect(network.server('alpha').asked.filter((name) => name === 'key.chain').length).toBeLessThan(3);
  });
});
