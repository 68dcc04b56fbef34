// @module-tag long
import type { ChangeView } from '@ckm/api';
import { AccessError, BugError, type CkmError, EncodingError, StorageError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import { loseDisk } from '../../test/disks.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  type Tamper,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';

let network: TestNetwork;
afterEach(() => network.close());

const SERVERS = ['alpha', 'bravo', 'charlie'];
const REMOVE = { name: 'letters', wish: { kind: 'remove-server', server: 'charlie' } } as const;

/** A key of three servers, of which charlie is to be removed, and lies. */
async function begin(lies: Tamper): Promise<Client> {
  network = await createTestNetwork(3);
  const client = await network.owner();
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  network.server('charlie').tamper = lies;
  return client;
}

const inView =
  (changes: Partial<ChangeView>): Tamper =>
  async ({ name }, honest) => {
    const answer = await honest();
    return name === 'change.propose' ? { ...(answer as ChangeView), ...changes } : answer;
  };
const junk = new Uint8Array(500).fill(7);
const refuses =
  (error: Error): Tamper =>
  async ({ name }, honest) => {
    if (/^(change|key\.chain)/.test(name)) throw error;
    return honest();
  };
const options = { code: 'ANY_CODE', hint: 'ask its operator' };

const LIES: readonly (readonly [what: string, lies: Tamper])[] = [
  ['says that it has spoken in try 1000', inView({ attempt: 1_000 })],
  ['says that it has spoken in the last try that there is', inView({ attempt: 0xffff_ffff })],
  ['shows a lock certificate that is none', inView({ locked: { locks: junk, signed: junk } })],
  ['says that it has forgotten', inView({ forgot: new Uint8Array(32).fill(9) })],
  [
    'says that the change is done, and shows nothing',
    async (asked, honest) => {
      if (asked.name === 'key.chain')
        throw new AccessError('there is no such key', { ...options, code: 'KEY_UNKNOWN' });
      return inView({ state: 'done' })(asked, honest);
    },
  ],
  [
    'has a damaged database',
    refuses(new StorageError('a row was changed', { ...options, code: 'ROW_TAMPERED' })),
  ],
  ['has a fault of its own', refuses(new BugError('this is a bug', { ...options, code: 'INTERNAL' }))],
  [
    'answers what cannot be read',
    refuses(new EncodingError('not of its form', { ...options, code: 'RESULT_INVALID' })),
  ],
  [
    'promises what is no statement of its own',
    async ({ name }, honest) => {
      const answer = await honest();
      return name === 'change.promise' ? { statement: junk, highest: null } : answer;
    },
  ],
  [
    'goes over to another epoch',
    async ({ name }, honest) => {
      const answer = await honest();
      return name === 'change.commit'
        ? { ...(answer as object), transcriptHash: new Uint8Array(32).fill(1) }
        : answer;
    },
  ],
  [
    'signs no receipt for its old share',
    async ({ name }, honest) => {
      const answer = await honest();
      return name === 'change.retire' ? { receipt: junk, signature: new Uint8Array(64) } : answer;
    },
  ],
];

describe('a server that is to be removed is removed, and the others destroy their old shares, though it', () => {
  test.each(LIES)('%s', async (_, lies) => {
    const client = await begin(lies);
    const changed = await client.changeKey(REMOVE);
    expect(changed).toMatchObject({ epoch: 1, isAsOrdered: true });
    const outcomes = changed.forgetting.filter(({ server }) => server !== 'charlie');
    expect(outcomes).toMatchObject(['alpha', 'bravo'].map((server) => ({ server, outcome: 'forgot' })));
    expect((await client.sign({ key: 'letters', ...messageOf('hello') })).signers).toEqual([
      'alpha',
      'bravo',
    ]);
  });
});

test('what a server does wrong at the end of a change is told, when the others are done', async () => {
  const client = await begin(async ({ name }, honest) => {
    const answer = await honest();
    return name === 'change.retire' ? { receipt: junk, signature: new Uint8Array(64) } : answer;
  });
  expect((await client.changeKey(REMOVE)).faults).toEqual([
    { code: 'FAULT_ACKNOWLEDGEMENT_INVALID', text: 'charlie signed nothing about its old share' },
  ]);
});

test('a server that claims once to have forgotten, and never again, spoils no later try', async () => {
  const claims = inView({ forgot: new Uint8Array(32).fill(9) });
  const client = await begin((asked, honest) =>
    asked.name === 'change.lock' || asked.name === 'change.yield'
      ? Promise.reject(new AccessError('no', options))
      : claims(asked, honest),
  );
  network.server('bravo').tamper = ({ name }, honest) =>
    name === 'change.lock' ? Promise.reject(new AccessError('no', options)) : honest();
  await expect(client.changeKey(REMOVE)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
  network.makeHonest();
  expect(await client.changeKey(REMOVE)).toMatchObject({ epoch: 1, behind: [] });
});

test('a server that missed the commit of one epoch is shown it by the next change, with nothing to do for anybody', async () => {
  const client = await begin(({ name }, honest) =>
    name === 'change.commit' || name === 'change.lock' ? Promise.reject(unreachable('charlie')) : honest(),
  );
  const refresh = { name: 'letters', wish: { kind: 'refresh' } } as const;
  expect(await client.changeKey(refresh)).toMatchObject({ epoch: 1, behind: ['charlie'] });
  network.makeHonest();
  network.now += 86_400;
  const chains: number[] = [];
  network.server('alpha').tamper = ({ name, parameters }, honest) => {
    if (name === 'change.propose') chains.push((parameters as { chain: unknown[] }).chain.length);
    return honest();
  };
  // It is in that epoch since now, and takes part in the next one a day later.
  await expect(client.changeKey(refresh)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
  network.now += 86_400;
  expect(await client.changeKey(refresh)).toMatchObject({ epoch: 2, behind: [] });
  // The shares of the first epoch, which nobody destroyed while charlie was away, are gone too.
  const { receipts = [] } = (await client.showKey('letters')).record;
  expect(receipts.map(({ epoch, server }) => `${epoch} ${server}`).toSorted()).toEqual(
    [0, 1].flatMap((epoch) => SERVERS.map((server) => `${epoch} ${server}`)),
  );
  // Whoever holds the key is not sent its chain, which grows with every change.
  expect(chains).toEqual([0, 0]);
});

test('a restored server of a key that needs all of them is reminded, and speaks in the next try', async () => {
  network = await createTestNetwork(2, { settings: { backup: 'static' } });
  const client = await network.owner();
  const key = { name: 'letters', purpose: 'message', quorum: { needed: 2, of: 2 } } as const;
  await client.createKey({ ...key, servers: ['alpha', 'bravo'], policy: { recovery: 'static' } });
  await loseDisk(network.server('bravo'));
  await client.restoreKey({ name: 'letters' });
  const refresh = { name: 'letters', wish: { kind: 'refresh' } } as const;
  const codes: string[] = [];
  for (let i = 0; i < 6 && codes.at(-1) !== 'done'; i++) {
    codes.push(
      await client.changeKey(refresh).then(
        () => 'done',
        (error: CkmError) => error.code,
      ),
    );
    network.now += 600;
  }
  expect(codes.at(-1)).toBe('done');
  expect((await client.sign({ key: 'letters', ...messageOf('hello') })).signers).toEqual(['alpha', 'bravo']);
});

test('a dead server that is not on record here, as on a new laptop, is removed by its likeness; it is not kept', async () => {
  const first = await begin(async (_, honest) => honest());
  await first.close();
  network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
  const laptop = ownerClient(network.send, () => network.now, { store: memoryStore() });
  for (const name of ['alpha', 'bravo']) await laptop.addServer({ name, url: network.server(name).url });
  const { keys } = await laptop.fetchKeys();
  await laptop.keepKey(keys[0]!, { name: 'letters' });
  const refresh = { name: 'letters', wish: { kind: 'refresh' } } as const;
  await expect(laptop.planChange(refresh)).rejects.toMatchObject({ code: 'SERVER_UNKNOWN' });
  const { serverId } = (await laptop.showKey('letters')).roster[2]!;
  const server = formatWords(likenessOf(serverId));
  const wish = { kind: 'remove-server', server } as const;
  expect((await laptop.planChange({ name: 'letters', wish })).leaving).toMatchObject([{ name: server }]);
  expect(await laptop.changeKey({ name: 'letters', wish })).toMatchObject({ epoch: 1, isAsOrdered: true });
  expect((await laptop.sign({ key: 'letters', ...messageOf('hello') })).signers).toEqual(['alpha', 'bravo']);
  await laptop.close();
});
