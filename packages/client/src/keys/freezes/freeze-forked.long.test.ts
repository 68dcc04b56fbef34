// @module-tag long
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CkmError, secret, StateError } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { identityForServer } from '../../seed/identity.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  OWNER_SEED,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';

let network: TestNetwork;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await network.close();
});

const NAME = 'letters';
const SERVERS = ['alpha', 'bravo', 'charlie'];

async function another(store: ClientStore): Promise<Client> {
  const client = ownerClient(network.send, () => network.now, { store: await copyStore(store) });
  clients.push(client);
  return client;
}

/** A key of alpha, bravo and charlie, whose charlie was copied: the owner's machine, another, and charlie's two disks. */
async function copied() {
  network = await createTestNetwork(5, (name) => ({ settings: { publicUrl: `http://${name}.test` } }));
  const store = memoryStore();
  const first = await network.owner({ store });
  const policy = { changes: 'automatic', changeDelay: 0 } as const;
  const quorum = { needed: 2, of: 3 } as const;
  await first.createKey({ name: NAME, purpose: 'message', quorum, servers: SERVERS, policy });
  const [owner, thief] = [await another(store), await another(store)];
  const charlie = network.server('charlie');
  await charlie.restart();
  const folder = charlie.bare.dataDir;
  const twin = mkdtempSync(join(tmpdir(), 'ckm-twin-'));
  cpSync(folder, twin, { recursive: true });
  return { first, owner, thief, folder, twin };
}

/**
 * A key of alpha, bravo and charlie, whose charlie was copied: with alpha it decided on 2 of 4 with delta, which the owner knows; its twin with
 * bravo on 2 of 3 with echo, which the thief made.
 */
async function forked() {
  const { owner, thief, folder, twin } = await copied();
  const charlie = network.server('charlie');
  network.server('bravo').tamper = ({ name }, honest) =>
    /^change\.(promise|lock|yield|commit)$/.test(name)
      ? Promise.reject(new StateError('not now', { code: 'ANY_CODE', hint: 'ask', retryable: false }))
      : honest();
  const four = { kind: 'requorum', quorum: { needed: 2, of: 4 }, servers: [...SERVERS, 'delta'] } as const;
  expect(await owner.changeKey({ name: NAME, wish: four })).toMatchObject({ epoch: 1, behind: ['bravo'] });
  network.makeHonest();

  await charlie.restart({ dataDir: twin });
  silence('alpha');
  const quorum = { needed: 2, of: 3 } as const;
  const three = { kind: 'requorum', quorum, servers: ['bravo', 'charlie', 'echo'] } as const;
  expect(await thief.changeKey({ name: NAME, wish: three })).toMatchObject({ epoch: 1, behind: [] });
  network.makeHonest();
  await charlie.restart({ dataDir: folder });
  return { owner, thief, useTwin: () => charlie.restart({ dataDir: twin }) };
}

function silence(...names: readonly string[]): void {
  for (const name of names) network.server(name).tamper = () => Promise.reject(unreachable(name));
}

const sign = async (client: Client, text: string) =>
  (await client.sign({ key: NAME, ...messageOf(text) })).signers;

test('a forked key is not told as stopped while those behind its other certificate may sign; they are told too, and then it is', async () => {
  const { owner, thief, useTwin } = await forked();
  // The owner never added the thief's server, which takes his account all the same.
  await owner.removeServer('echo');
  silence('echo');
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
  expect(await sign(thief, 'used')).toEqual(['charlie', 'echo']);
  const all = await owner.freezeKey(NAME, null);
  expect(all).toMatchObject({
    isStopped: true,
    until: few.until,
    fork: { branches: [{ have: 3 }, { have: 2 }], servers: [{ verdict: 'frozen' }] },
  });
  await expect(sign(thief, 'again')).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
});

test('whoever has seen both certificates shows them, where those behind the other one are silent', async () => {
  const { owner } = await forked();
  const { keyId } = await owner.showKey(NAME);
  const as = (name: string) => {
    const { bare, identity } = network.server(name);
    return bare.as(identityForServer(secret(OWNER_SEED.slice()), identity.xid as Xid));
  };
  const { certificates } = await (await as('bravo')).call('key.chain', { keyId, after: 0 });
  await expect(
    (await as('alpha')).call('change.commit', { keyId, certificate: certificates[0]! }),
  ).rejects.toBeInstanceOf(CkmError);
  silence('bravo', 'echo');
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
  const { owner } = await forked();
  const { choices } = (await owner.showFork(NAME))!;
  const certificates = choices.map(({ certificate }) => certificate);
  expect(await owner.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, awaited: [] });
  network.server('charlie').tamper = ({ name }, honest) =>
    name === 'fork.show' ? Promise.resolve({ epoch: 0, certificates }) : honest();
  silence('echo');
  expect(await owner.freezeKey(NAME, 3_600)).toMatchObject({ isStopped: true, fork: null });
});

test('two next epochs of the same servers that old members are bound to, each of another quorum, are counted each', async () => {
  const { first, owner, thief, twin } = await copied();
  const decided: Uint8Array[] = [];
  const decide = async (client: Client, needed: number, stop: RegExp, at: string) => {
    for (const server of network.servers)
      server.tamper = ({ name, parameters }, honest) => {
        if (name === 'change.commit')
          decided.push((parameters as { readonly certificate: Uint8Array }).certificate);
        const isOff = name === 'change.commit' || (server.name === at && stop.test(name));
        return isOff ? Promise.reject(unreachable(server.name)) : honest();
      };
    const wish = {
      kind: 'requorum',
      quorum: { needed, of: 3 },
      servers: ['bravo', 'charlie', 'delta'],
    } as const;
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
