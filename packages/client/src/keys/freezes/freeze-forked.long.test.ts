// @module-tag long
import { CkmError } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { copyDisk } from '../../test/disks.js';
import { createForkedKey } from '../../test/forked-key.js';
import { asOwner, createOwnedKey, NAME, type OwnedKey, requorum, signersOf } from '../../test/owned-key.js';
import { unreachable } from '../../test/test-network.js';

let key: OwnedKey;
afterEach(() => key.close());

/** The owner knows of the one epoch; the other is a thief’s, who has copied charlie and uses the owner’s account. */
async function forked() {
  const found = await createForkedKey();
  key = found;
  return {
    network: found.network,
    owner: found.one.client,
    thief: found.other.client,
    useTwin: found.useTwin,
  };
}

test('a forked key is not told as stopped while those behind its other certificate may sign; they are told too, and then it is', async () => {
  const { network, owner, thief, useTwin } = await forked();
  // The owner never added the thief's server, which takes his account all the same.
  await owner.removeServer('echo');
  network.cut('echo');
  const few = await owner.freezeKey(NAME, 3_600);
  network.makeHonest();
  expect(few.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'frozen', 'frozen', 'frozen']);
  expect(few).toMatchObject({
    isStopped: false,
    fork: {
      // Charlie signed twice.
      branches: [
        { quorum: { needed: 2, of: 4 }, have: 3, stopping: 3 },
        { quorum: { needed: 2, of: 3 }, have: 1, stopping: 2 },
      ],
      servers: [{ verdict: 'silent' }],
    },
  });
  await useTwin();
  expect(await signersOf(thief)).toEqual(['charlie', 'echo']);
  const all = await owner.freezeKey(NAME, null);
  expect(all).toMatchObject({
    isStopped: true,
    until: few.until,
    fork: { branches: [{ have: 3 }, { have: 2 }], servers: [{ verdict: 'frozen' }] },
  });
  await expect(signersOf(thief, { text: 'again' })).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
});

test('whoever has seen both certificates shows them, where those behind the other one are silent', async () => {
  const { network, owner } = await forked();
  const { keyId } = await owner.showKey(NAME);
  const [alpha, bravo] = await Promise.all(['alpha', 'bravo'].map((name) => asOwner(network.server(name))));
  const { certificates } = await bravo!.call('key.chain', { keyId, after: 0 });
  await expect(alpha!.call('change.commit', { keyId, certificate: certificates[0]! })).rejects.toBeInstanceOf(
    CkmError,
  );
  for (const name of ['bravo', 'echo']) network.cut(name);
  const frozen = await owner.freezeKey(NAME, 3_600);
  expect(frozen.servers.map(({ verdict }) => verdict)).toEqual(['frozen', 'silent', 'frozen', 'frozen']);
  expect(frozen).toMatchObject({
    isStopped: false,
    fork: {
      branches: [
        { have: 2, stopping: 3 },
        { have: 0, stopping: 2 },
      ],
      servers: [{ verdict: 'silent' }],
    },
  });
});

test('what was settled not to count keeps no key from being stopped, whoever shows it again', async () => {
  const { network, owner } = await forked();
  const { choices } = (await owner.showFork(NAME))!;
  const certificates = choices.map(({ certificate }) => certificate);
  expect(await owner.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, isOver: true });
  network.server('charlie').tamper = ({ name }, honest) =>
    name === 'fork.show' ? Promise.resolve({ epoch: 0, certificates }) : honest();
  network.cut('echo');
  expect(await owner.freezeKey(NAME, 3_600)).toMatchObject({ isStopped: true, fork: null });
});

test('two next epochs of the same servers that old members are bound to, each of another quorum, are counted each', async () => {
  key = await createOwnedKey({ count: 4 });
  const { network, client: first } = key;
  const [owner, thief] = [(await key.another()).client, (await key.another()).client];
  const twin = await copyDisk(network.server('charlie'));
  const decided: Uint8Array[] = [];
  const decide = async (client: Client, needed: number, stop: RegExp, at: string) => {
    for (const server of network.servers)
      server.tamper = ({ name, parameters }, honest) => {
        if (name === 'change.commit')
          decided.push((parameters as { readonly certificate: Uint8Array }).certificate);
        const isOff = name === 'change.commit' || (server.name === at && stop.test(name));
        return isOff ? Promise.reject(unreachable(server.name)) : honest();
      };
    const wish = requorum(needed, ['bravo', 'charlie', 'delta']);
    await expect(client.changeKey({ name: NAME, wish })).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    return decided.splice(0)[0]!;
  };
  const three = await decide(owner, 3, /^change\.(promise|lock|yield)$/, 'bravo');
  await network.server('charlie').restart({ dataDir: twin });
  const two = await decide(thief, 2, /./, 'alpha');
  for (const server of network.servers)
    server.tamper = async ({ name }, honest) => {
      if (name !== 'key.freeze' || server.name === 'delta') throw unreachable(server.name);
      const said = (await honest()) as object;
      return { ...said, bound: { locks: null, signed: server.name === 'bravo' ? two : three } };
    };
  const frozen = await first.freezeKey(NAME, 3_600);
  const stopping = frozen.bound.map(({ quorum, stopping: most }) => [quorum.needed, most]);
  expect(stopping.toSorted(([one], [other]) => one! - other!)).toEqual([
    [2, 2],
    [3, 1],
  ]);
});
