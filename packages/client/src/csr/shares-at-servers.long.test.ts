// @module-tag long
import { depositReceipt } from '@ckm/api';
import { encodeHex, reveal, secret, type Secret } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpCarrier } from '../carrier/http-carrier.js';
import type { HttpSend } from '../carrier/http-send.js';
import type { Client } from '../client.js';
import { memoryStore } from '../store/memory-store.js';
import type { ClientStore } from '../store/client-store.js';
import { createTestNetwork, json, OWNER_SEED, ownerClient, type TestNetwork } from '../test/test-network.js';
import { depositIdentity } from './deposit-secret.js';
import { recoverShares } from './recover-shares.js';

const DEPOSIT = new Uint8Array(32).fill(0x5c);
const FRESH = new Uint8Array(32).fill(0x6d);
const bytesOf = (bytes: Uint8Array) => secret(bytes.slice());
const opened = (one: Secret<Uint8Array>) => encodeHex(reveal(one, 'comparing it in a test'));
const WORDS = encodeHex(OWNER_SEED);
const THREE = ['alpha', 'bravo', 'charlie'];

let network: TestNetwork;
let store: ClientStore;
let client: Client;
beforeEach(async () => {
  network = await createTestNetwork(5);
  store = memoryStore();
  client = await network.owner({ store });
});
afterEach(() => network.close());

interface Stored {
  readonly secret?: Uint8Array;
  readonly kept?: Uint8Array;
  readonly servers?: readonly string[];
}
const storeAs = (by: Client, { secret: under = DEPOSIT, kept = OWNER_SEED, servers = THREE }: Stored = {}) =>
  by.storeDeposit({ secret: bytesOf(under), kept: bytesOf(kept), kind: 'owner', servers });
const upgrade = (by: Client = client) =>
  by.upgradeDeposit({ secret: bytesOf(DEPOSIT), kept: bytesOf(OWNER_SEED) });
const rotate = (by: Client = client, servers?: readonly string[]) =>
  by.rotateDeposit({
    old: bytesOf(DEPOSIT),
    fresh: bytesOf(FRESH),
    ...(servers === undefined ? {} : { servers }),
  });

/** As somebody who has the words of the shares and nothing else. */
const recover = (from: readonly string[], bytes = DEPOSIT) =>
  recoverShares(
    { secret: bytesOf(bytes), urls: from.map((name) => network.server(name).url) },
    { carrier: httpCarrier(network.send), clock: () => network.now, timeoutMs: 1_000 },
  );
const recovered = async (from: readonly string[], bytes = DEPOSIT) =>
  opened((await recover(from, bytes)).kept);
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const outcomes = (servers: readonly { server: string; outcome: string }[]) =>
  Object.fromEntries(servers.map(({ server, outcome }) => [server, outcome]));

/** How many shares lie at each server, of whomever. */
async function counts(): Promise<readonly number[]> {
  return Promise.all(
    network.servers.map(async ({ bare: { context } }) => {
      const accounts = await context.storage.read((reader) =>
        reader.accounts.list({ after: null, limit: 100 }),
      );
      const rows = await Promise.all(
        accounts.map(({ xid }) => context.storage.read((reader) => reader.deposits.of(xid, 64))),
      );
      return rows.flat().length;
    }),
  );
}

describe('shares at servers', () => {
  test('two of three bring the words back, from any one server whose address is known; the third is not needed', async () => {
    const stored = await storeAs(client);
    expect(outcomes(stored.servers)).toEqual({ alpha: 'stored', bravo: 'stored', charlie: 'stored' });
    expect(stored.needed).toBe(2);
    for (const from of THREE) {
      const found = await recover([from]);
      expect([opened(found.kept), found.kind, found.needed]).toEqual([WORDS, 'owner', 2]);
      expect(outcomes(found.servers)).toEqual({ alpha: 'good', bravo: 'good', charlie: 'good' });
    }
    network.cut('bravo');
    const found = await recover(['alpha']);
    expect(opened(found.kept)).toBe(WORDS);
    expect(outcomes(found.servers)).toEqual({ alpha: 'good', bravo: 'silent', charlie: 'good' });
    network.cut('charlie');
    expect(await code(recover(['alpha']))).toBe('DEPOSIT_SHARES_TOO_FEW');
    expect(await code(recover(['bravo']))).toBe('SERVER_UNREACHABLE');
  });

  test('by default they go to the three that were pinned first; of what is stored nothing is stored again', async () => {
    const { places } = await client.planDeposit({ kind: 'owner', isAnew: false });
    expect(places.map(({ name }) => name)).toEqual(THREE);
    await client.storeDeposit({ secret: bytesOf(DEPOSIT), kept: bytesOf(OWNER_SEED), kind: 'owner' });
    const again = await storeAs(client);
    expect(again.servers).toEqual([]);
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
    expect(await code(client.planDeposit({ kind: 'owner', isAnew: false }))).toBe('DEPOSIT_EXISTS');
    expect(await code(client.planDeposit({ kind: 'owner', isAnew: true }))).toBe('OK');
    expect(await code(client.planDeposit({ kind: 'other', isAnew: false }))).toBe('OK');
  });

  test('a server that is away gets its share later; until then the others suffice', async () => {
    network.cut('charlie');
    expect(outcomes((await storeAs(client)).servers)).toMatchObject({ bravo: 'stored', charlie: 'silent' });
    expect(await recovered(['bravo'])).toBe(WORDS);
    expect(await code(upgrade())).toBe('DEPOSIT_UNFINISHED');
    network.makeHonest();
    expect(outcomes((await storeAs(client)).servers)).toEqual({
      alpha: 'there',
      bravo: 'there',
      charlie: 'stored',
    });
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
  });

  test.each([16, 18, 31, 32])('any secret of 16 to 32 bytes is kept: %i', async (length) => {
    const kept = Uint8Array.from({ length }, (_, i) => i + 1);
    await client.storeDeposit({ secret: bytesOf(DEPOSIT), kept: bytesOf(kept), kind: 'other' });
    const found = await recover(['alpha']);
    expect([opened(found.kept), found.kind]).toEqual([encodeHex(kept), 'other']);
  });

  test('of other lengths none is, nor another secret under the same words, nor anything under the words of the owner', async () => {
    for (const length of [0, 15, 33])
      expect(await code(storeAs(client, { kept: new Uint8Array(length) }))).toBe('DEPOSIT_SECRET_LENGTH');
    expect(await code(storeAs(client, { secret: OWNER_SEED }))).toBe('DEPOSIT_WORDS_OWNER');
    expect(await code(client.checkDeposit(bytesOf(OWNER_SEED)))).toBe('DEPOSIT_WORDS_OWNER');
    expect(await counts()).toEqual([0, 0, 0, 0, 0]);
    await storeAs(client);
    const other = new Uint8Array(32).fill(9);
    expect(await code(storeAs(client, { kept: other }))).toBe('DEPOSIT_OTHER');
    // Nor where nothing is on record of them.
    const elsewhere = await network.owner();
    expect(await code(storeAs(elsewhere, { kept: other }))).toBe('DEPOSIT_OTHER');
    expect(await recovered(['alpha'])).toBe(WORDS);
  });

  test.each([[['alpha', 'bravo']], [['alpha', 'bravo', 'charlie', 'delta']], [['alpha', 'alpha', 'alpha']]])(
    'they go to three servers or five, and not to %j',
    async (servers) => {
      expect(await code(storeAs(client, { servers }))).toBe('DEPOSIT_SERVERS');
    },
  );

  test('stored at five, three are needed, and two of the first three are not enough', async () => {
    const servers = network.servers.map(({ name }) => name);
    expect((await storeAs(client, { servers })).needed).toBe(3);
    for (const name of ['charlie', 'delta', 'echo']) network.cut(name);
    expect(await code(recover(['alpha']))).toBe('DEPOSIT_SHARES_TOO_FEW');
    network.server('echo').wire = null;
    expect(await recovered(['alpha'])).toBe(WORDS);
  });
});

describe('a server that has no share', () => {
  test('of which nothing was on record gets it, from the folder that finds it so', async () => {
    network.cut('bravo');
    await storeAs(client);
    network.makeHonest();
    const elsewhere = await network.owner();
    network.cut('bravo');
    const { missing } = await elsewhere.checkDeposit(bytesOf(DEPOSIT));
    expect(outcomes(missing)).toEqual({ bravo: 'silent' });
    network.makeHonest();
    expect(outcomes((await storeAs(elsewhere)).servers)).toEqual({ bravo: 'stored', charlie: 'there' });
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
    expect((await elsewhere.checkDeposit(bytesOf(DEPOSIT))).missing).toEqual([]);
  });

  test('though it once had it gets it anew; a server that does not answer is not taken for that', async () => {
    await storeAs(client);
    network.cut('charlie');
    expect(outcomes((await client.checkDeposit(bytesOf(DEPOSIT))).missing)).toEqual({ charlie: 'silent' });
    expect((await storeAs(client)).servers).toEqual([]);
    network.makeHonest();
    const { identity, bare } = network.server('bravo');
    const { xid } = depositIdentity(bytesOf(DEPOSIT), identity.xid);
    await bare.context.storage.transact(async (transaction) => {
      const rows = await transaction.deposits.of(xid, 64);
      for (const row of rows) await transaction.deposits.remove(xid, row.receipt);
    });
    expect(await counts()).toEqual([1, 0, 1, 0, 0]);
    expect(outcomes((await client.checkDeposit(bytesOf(DEPOSIT))).missing)).toEqual({ bravo: 'none' });
    expect(outcomes((await storeAs(client)).servers)).toEqual({ bravo: 'stored', charlie: 'there' });
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
  });
});

describe('an upgrade', () => {
  test('gives two servers more a share and asks none of the first three, two of which may be gone afterwards', async () => {
    await storeAs(client);
    network.makeHonest();
    for (const name of THREE) network.cut(name);
    expect((await client.planUpgrade({ secret: bytesOf(DEPOSIT) })).needed).toBe(3);
    const done = await upgrade();
    expect(outcomes(done.servers)).toEqual({ delta: 'stored', echo: 'stored' });
    expect(THREE.map((name) => network.server(name).asked)).toEqual([[], [], []]);
    for (const [i, name] of THREE.entries()) {
      for (const other of THREE) network.cut(other);
      network.server(name).wire = null;
      const found = await recover(['delta']);
      expect([i, opened(found.kept), found.needed]).toEqual([i, WORDS, 3]);
    }
    network.makeHonest();
    network.cut('delta');
    network.cut('echo');
    expect(await recovered(['charlie'])).toBe(WORDS);
  });

  test('is made of the secret that is stored, where that is on record', async () => {
    expect(await code(upgrade())).toBe('DEPOSIT_UNKNOWN');
    await storeAs(client);
    const other = { secret: bytesOf(DEPOSIT), kept: bytesOf(new Uint8Array(32).fill(3)) };
    expect(await code(client.upgradeDeposit(other))).toBe('DEPOSIT_OTHER');
    const elsewhere = await network.owner();
    expect(await code(upgrade(elsewhere))).toBe('DEPOSIT_UNKNOWN');
    const found = await elsewhere.checkDeposit(bytesOf(DEPOSIT));
    expect(outcomes(found.servers)).toMatchObject({ alpha: 'good', bravo: 'good', charlie: 'good' });
    expect('kept' in found).toBe(false);
    expect(outcomes((await upgrade(elsewhere)).servers)).toEqual({ delta: 'stored', echo: 'stored' });
    expect(await counts()).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('a server that gives what it should not is named, and the others suffice', () => {
  type Given = { shares: { receipt: Uint8Array; data: Uint8Array }[] };
  const lie = (name: string, change: (given: Given) => Given, asked = 'share.get') => {
    network.server(name).tamper = async (one, honest) => {
      const given = await honest();
      return one.name === asked ? change(given as Given) : given;
    };
  };
  const textOf = async (name: string) => {
    const found = await recover(['alpha', 'charlie']);
    expect(opened(found.kept)).toBe(WORDS);
    const { outcome, text } = found.servers.find(({ server }) => server === name)!;
    return [outcome, text];
  };

  test('a damaged one, another’s with its own receipt, none though it says so, none at all', async () => {
    await storeAs(client);
    const damaged = ({ shares }: Given) => ({
      shares: shares.map((one) => ({
        ...one,
        data: one.data.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
      })),
    });
    lie('bravo', damaged);
    expect(await textOf('bravo')).toEqual(['faulty', expect.stringContaining('receipt')]);
    lie('bravo', () => ({ shares: [] }));
    expect(await textOf('bravo')).toEqual(['faulty', expect.stringContaining('does not give it')]);
    lie('bravo', () => ({ shares: [] }), 'share.list');
    expect(await textOf('bravo')).toEqual(['none', expect.stringContaining('keeps nothing')]);
  });

  test('one that was stored there by somebody else, or for another server, under the receipt that it has here', async () => {
    await storeAs(client);
    let alphas: Uint8Array | undefined;
    network.server('alpha').tamper = async (one, honest) => {
      const given = await honest();
      if (one.name === 'share.get') alphas = (given as Given).shares[0]!.data;
      return given;
    };
    await recover(['alpha']);
    network.makeHonest();
    // Whoever runs both servers has what alpha keeps, and can store it at bravo in this account’s row.
    const account = depositIdentity(bytesOf(DEPOSIT), network.server('bravo').identity.xid).xid;
    const receipt = depositReceipt(account, alphas!);
    network.server('bravo').tamper = async (one, honest) => {
      if (one.name === 'share.list') return { shares: [{ receipt, at: 1, length: alphas!.length }] };
      return one.name === 'share.get' ? { shares: [{ receipt, data: alphas! }] } : honest();
    };
    expect(await textOf('bravo')).toEqual(['faulty', expect.stringContaining('did not seal for it')]);
  });

  test('an older one: what it had before the same words were stored anew', async () => {
    const old = new Uint8Array(32).fill(0x11);
    await storeAs(client, { kept: old });
    let before: unknown;
    const listing: unknown[] = [];
    network.server('bravo').tamper = async (one, honest) => {
      const given = await honest();
      if (one.name === 'share.get') before = given;
      if (one.name === 'share.list') listing.push(given);
      return given;
    };
    await recover(['bravo']);
    network.makeHonest();
    await client.deleteDeposit({ secret: bytesOf(DEPOSIT) });
    network.now += 60;
    await storeAs(client);
    network.server('bravo').tamper = async (one, honest) => {
      if (one.name === 'share.list') return listing[0];
      return one.name === 'share.get' ? before : honest();
    };
    expect(await textOf('bravo')).toEqual(['faulty', expect.stringContaining('older')]);
  });

  test('somebody else in its place', async () => {
    await storeAs(client);
    const { identity } = network.server('delta');
    Object.assign(network.server('bravo'), { identity });
    const found = await recover(['alpha']);
    expect(opened(found.kept)).toBe(WORDS);
    expect(found.servers.find(({ server }) => server === 'bravo')).toMatchObject({
      outcome: 'silent',
      code: 'SERVER_IDENTITY_CHANGED',
    });
  });

  test('with two of three wrong, what is missing is said, and who did what', async () => {
    await storeAs(client);
    lie('bravo', () => ({ shares: [] }));
    network.cut('charlie');
    await expect(recover(['alpha'])).rejects.toMatchObject({
      code: 'DEPOSIT_SHARES_TOO_FEW',
      message: expect.stringMatching(
        /1 of the 2 .*(bravo says .*charlie does not|charlie does not .*bravo says)/,
      ),
    });
  });

  test('a server whose receipt is for something else is named, and has no share', async () => {
    network.server('bravo').tamper = async (one, honest) =>
      one.name === 'share.store' ? { receipt: new Uint8Array(32).fill(1) } : honest();
    const { servers } = await storeAs(client);
    expect(servers.find(({ server }) => server === 'bravo')).toMatchObject({
      outcome: 'refused',
      error: { code: 'FAULT_DEPOSIT_RECEIPT' },
    });
  });
});

describe('a rotation', () => {
  test('has new shares everywhere, and the old ones nowhere', async () => {
    await storeAs(client);
    const done = await rotate();
    expect(outcomes(done.servers)).toEqual({ alpha: 'stored', bravo: 'stored', charlie: 'stored' });
    expect(outcomes(done.deleted)).toEqual({ alpha: 'deleted', bravo: 'deleted', charlie: 'deleted' });
    expect(await recovered(['charlie'], FRESH)).toBe(WORDS);
    expect(await code(recover(['alpha']))).toBe('DEPOSIT_NOT_FOUND');
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
    expect((await client.listDeposits()).map(({ places }) => places.length)).toEqual([3]);
  });

  test('goes to other servers, and to five, of which then three are needed', async () => {
    await storeAs(client);
    await upgrade();
    await rotate();
    expect(await counts()).toEqual([1, 1, 1, 1, 1]);
    for (const name of ['charlie', 'delta', 'echo']) network.cut(name);
    expect(await code(recover(['alpha'], FRESH))).toBe('DEPOSIT_SHARES_TOO_FEW');
  });

  test('deletes nothing as long as a new share is not stored, and leaves nothing behind where a server was away', async () => {
    await storeAs(client);
    network.cut('charlie', 'share.store');
    const half = await rotate();
    expect(outcomes(half.servers)).toMatchObject({ charlie: 'silent' });
    expect(half.deleted).toEqual([]);
    expect(await recovered(['alpha'])).toBe(WORDS);
    network.makeHonest();
    network.cut('bravo', 'share.delete');
    const more = await rotate();
    expect(outcomes(more.deleted)).toEqual({ alpha: 'deleted', bravo: 'silent', charlie: 'deleted' });
    expect((await client.listDeposits()).filter(({ isLeaving }) => isLeaving)).toHaveLength(1);
    network.makeHonest();
    // The old shares do not bring the words back any more; that is not needed now.
    const last = await rotate();
    expect(outcomes(last.deleted)).toEqual({ alpha: 'none', bravo: 'deleted', charlie: 'none' });
    expect(await counts()).toEqual([1, 1, 1, 0, 0]);
    expect(await client.listDeposits()).toHaveLength(1);
    expect((await rotate()).deleted).toEqual([]);
  });
});

test('a rotation to a server that never comes is not turned by other names in silence, goes on under new words, and is cleared away', async () => {
  const again = new Uint8Array(32).fill(0x6e);
  const anew = (servers: readonly string[], fresh: Uint8Array, gone: readonly string[] = []) =>
    client.rotateDeposit({ old: bytesOf(DEPOSIT), fresh: bytesOf(fresh), servers, gone });
  await storeAs(client);
  network.cut('delta');
  const stuck = await anew(['alpha', 'bravo', 'delta'], FRESH);
  expect(outcomes(stuck.servers)).toMatchObject({ delta: 'silent' });
  expect(await code(anew(['alpha', 'bravo', 'echo'], FRESH))).toBe('DEPOSIT_BEGUN');
  // Another one that is gone for good: of the old shares.
  network.cut('charlie');
  expect(await code(anew(['alpha', 'bravo', 'echo'], again, ['dora']))).toBe('SERVER_UNKNOWN');
  const open = await anew(['alpha', 'bravo', 'echo'], again);
  expect(outcomes(open.deleted)).toEqual({ alpha: 'deleted', bravo: 'deleted', charlie: 'silent' });
  const done = await anew(['alpha', 'bravo', 'echo'], again, ['charlie', 'alpha']);
  expect(outcomes(done.deleted)).toEqual({ alpha: 'none', bravo: 'none', charlie: 'gone' });
  const cleared = await client.deleteDeposit({ secret: bytesOf(FRESH), gone: ['delta'] });
  expect(outcomes(cleared)).toMatchObject({ alpha: 'deleted', bravo: 'deleted', delta: 'gone' });
  expect((await client.listDeposits()).map(({ places }) => places.map(({ name }) => name))).toEqual([
    ['alpha', 'bravo', 'echo'],
  ]);
  expect(await recovered(['bravo'], again)).toBe(WORDS);
});

test('a rotation to the old words, or to those of something else that is stored, is refused, and every share stays', async () => {
  const wallet = new Uint8Array(32).fill(0x7e);
  const kept = new Uint8Array(32).fill(0x1f);
  await storeAs(client);
  await storeAs(client, { secret: wallet, kept });
  const to = (by: Client, fresh: Uint8Array) =>
    code(by.rotateDeposit({ old: bytesOf(DEPOSIT), fresh: bytesOf(fresh) }));
  const elsewhere = await network.owner();
  await elsewhere.checkDeposit(bytesOf(wallet));
  for (const by of [client, elsewhere]) {
    expect(await to(by, DEPOSIT)).toBe('DEPOSIT_WORDS_SAME');
    expect(await to(by, wallet)).toBe('DEPOSIT_OTHER');
  }
  expect(await counts()).toEqual([2, 2, 2, 0, 0]);
  expect([await recovered(['alpha']), await recovered(['alpha'], wallet)]).toEqual([WORDS, encodeHex(kept)]);
});

test('a rotation deletes no old share as long as a server has stored a new one in words alone', async () => {
  await storeAs(client);
  // It gives the right receipt and keeps nothing.
  network.server('bravo').tamper = async (one, honest) => {
    if (one.name !== 'share.store') return honest();
    const { data } = one.parameters as { data: Uint8Array };
    const account = depositIdentity(bytesOf(FRESH), network.server('bravo').identity.xid).xid;
    return { receipt: depositReceipt(account, data) };
  };
  const half = await rotate();
  expect(half.deleted).toEqual([]);
  expect(half.servers).toMatchObject([{ server: 'bravo', outcome: 'refused' }]);
  expect(half.servers[0]!.error?.code).toBe('FAULT_DEPOSIT_RECEIPT');
  expect(await recovered(['alpha'])).toBe(WORDS);
  network.makeHonest();
  expect(outcomes((await rotate()).deleted)).toEqual({
    alpha: 'deleted',
    bravo: 'deleted',
    charlie: 'deleted',
  });
  expect(await counts()).toEqual([1, 1, 1, 0, 0]);
  network.cut('alpha');
  expect(await recovered(['bravo'], FRESH)).toBe(WORDS);
});

test('what is deleted is nowhere, also where nothing is on record of it; who is away is named, and it is done later', async () => {
  await storeAs(client);
  const elsewhere = await network.owner();
  const third = await network.owner();
  network.cut('bravo');
  expect(outcomes(await elsewhere.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toMatchObject({
    alpha: 'deleted',
    bravo: 'silent',
  });
  // The others name nobody any more: it is on record who is left.
  expect(outcomes(await elsewhere.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toEqual({
    alpha: 'none',
    bravo: 'silent',
    charlie: 'none',
  });
  expect(await counts()).toEqual([0, 1, 0, 0, 0]);
  expect(await code(recover(['alpha', 'bravo']))).toBe('SERVERS_MISSING');
  expect(await code(third.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toBe('SERVERS_MISSING');
  network.makeHonest();
  expect(outcomes(await elsewhere.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toMatchObject({
    bravo: 'deleted',
  });
  expect(await counts()).toEqual([0, 0, 0, 0, 0]);
  expect(await code(elsewhere.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toBe('DEPOSIT_NOT_FOUND');
  expect(outcomes(await client.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toEqual({
    alpha: 'none',
    bravo: 'none',
    charlie: 'none',
  });
  expect(await client.listDeposits()).toEqual([]);
});

test.each(['delete', 'rotate'] as const)(
  'a folder that knows of the first three alone leaves none of five behind: %s',
  async (how) => {
    await storeAs(client);
    const elsewhere = await network.owner();
    await elsewhere.checkDeposit(bytesOf(DEPOSIT));
    await upgrade(elsewhere);
    expect(await counts()).toEqual([1, 1, 1, 1, 1]);
    // Each of the two that came last names the other one, and nobody else does.
    network.cut('echo');
    const cutShort =
      how === 'delete'
        ? await client.deleteDeposit({ secret: bytesOf(DEPOSIT) })
        : (await rotate(client, THREE)).deleted;
    expect(outcomes(cutShort)).toMatchObject({ charlie: 'deleted', delta: 'deleted', echo: 'silent' });
    network.makeHonest();
    const rest =
      how === 'delete'
        ? await client.deleteDeposit({ secret: bytesOf(DEPOSIT) })
        : (await rotate(client, THREE)).deleted;
    expect(outcomes(rest)).toMatchObject({ delta: 'none', echo: 'deleted' });
    expect(await counts()).toEqual(how === 'delete' ? [0, 0, 0, 0, 0] : [1, 1, 1, 0, 0]);
  },
);

describe('whoever answers in the place of a server that he does not know the words', () => {
  const claimStranger = (...names: readonly string[]) => {
    const problem = {
      code: 'MESSAGE_NOT_AUTHENTICATED',
      title: 'the message is not from anybody',
      status: 401,
    };
    for (const name of names)
      network.server(name).wire = async (request, pass) =>
        request.method === 'GET' ? pass() : json(401, problem);
  };

  test('is silence: no deletion is done with that, and no recovery says that nothing is there', async () => {
    await storeAs(client);
    claimStranger('bravo');
    const [, bravo] = await client.deleteDeposit({ secret: bytesOf(DEPOSIT) });
    expect(bravo).toMatchObject({
      server: 'bravo',
      outcome: 'silent',
      error: { code: 'SERVER_REFUSED_MESSAGE' },
    });
    expect(await client.listDeposits()).toMatchObject([{ isLeaving: true }]);
    expect(await counts()).toEqual([0, 1, 0, 0, 0]);
    claimStranger(...THREE);
    expect(await code(recover(THREE))).toBe('SERVER_REFUSED_MESSAGE');
    network.makeHonest();
    expect(outcomes(await client.deleteDeposit({ secret: bytesOf(DEPOSIT) }))).toMatchObject({
      bravo: 'deleted',
    });
    expect(await counts()).toEqual([0, 0, 0, 0, 0]);
    // Words under which nothing was ever stored: the servers themselves say so.
    expect(await code(recover(THREE, FRESH))).toBe('DEPOSIT_NOT_FOUND');
  });
});

describe('killed before or behind any message', () => {
  const dead = () => Promise.reject(new Error('the process is dead'));
  /** Dies at the message of that number: before it is sent, or when its answer was on the way. */
  const mortal = (at: number, when: 'before' | 'behind'): { send: HttpSend; isDead: () => boolean } => {
    let sent = 0;
    return {
      send: async (url, request) => {
        if (request.method === 'GET') return network.send(url, request);
        sent += 1;
        if (sent > at || (sent === at && when === 'before')) return dead();
        const reply = await network.send(url, request);
        return sent === at ? dead() : reply;
      },
      isDead: () => sent >= at,
    };
  };
  const clientOver = (send: HttpSend, records: ClientStore) =>
    ownerClient(send, () => network.now, { store: records });

  /** Kills it at every message until it is through without dying. */
  async function killEverywhere(
    prepare: () => Promise<ClientStore>,
    work: (by: Client) => Promise<unknown>,
    judge: (records: ClientStore) => Promise<void>,
  ): Promise<number> {
    for (let at = 1; ; at++) {
      let isThrough = false;
      for (const when of ['before', 'behind'] as const) {
        const records = await prepare();
        const life = mortal(at, when);
        const killed = clientOver(life.send, records);
        const end = await code(work(killed));
        await killed.close();
        isThrough = !life.isDead();
        if (!isThrough) expect(end).toBe('the process is dead');
        await judge(records);
      }
      if (isThrough) return at - 1;
    }
  }

  /** The servers and the records of an owner, as at the beginning. */
  async function fresh(): Promise<ClientStore> {
    await network.close();
    network = await createTestNetwork(5);
    const records = memoryStore();
    client = await network.owner({ store: records });
    return records;
  }

  test('storing is repeated and nothing is stored twice, with the records and without them', async () => {
    const kills = await killEverywhere(
      fresh,
      (by) => storeAs(by),
      async (records) => {
        const again = await storeAs(clientOver(network.send, records));
        expect(again.servers.every(({ outcome }) => outcome === 'stored' || outcome === 'there')).toBe(true);
        expect(await counts()).toEqual([1, 1, 1, 0, 0]);
        const elsewhere = await network.owner();
        await storeAs(elsewhere);
        expect(await counts()).toEqual([1, 1, 1, 0, 0]);
        expect(await recovered(['bravo'])).toBe(WORDS);
      },
    );
    expect(kills).toBeGreaterThan(8);
  }, 300_000);

  test('an upgrade is repeated, and nothing is stored twice', async () => {
    const kills = await killEverywhere(
      async () => {
        const records = await fresh();
        await storeAs(client);
        return records;
      },
      (by) => upgrade(by),
      async (records) => {
        await upgrade(clientOver(network.send, records));
        expect(await counts()).toEqual([1, 1, 1, 1, 1]);
        for (const name of ['alpha', 'bravo']) network.cut(name);
        expect(await recovered(['echo'])).toBe(WORDS);
      },
    );
    expect(kills).toBeGreaterThan(4);
  }, 300_000);

  test('in a rotation the old words bring it back or the new ones do, and repeated it leaves nothing behind', async () => {
    const kills = await killEverywhere(
      async () => {
        const records = await fresh();
        await storeAs(client);
        return records;
      },
      (by) => rotate(by),
      async (records) => {
        const ways = [
          await recovered(['alpha']).catch(() => null),
          await recovered(['alpha'], FRESH).catch(() => null),
        ];
        expect(ways).toContain(WORDS);
        await rotate(clientOver(network.send, records));
        expect(await counts()).toEqual([1, 1, 1, 0, 0]);
        expect(await recovered(['alpha'], FRESH)).toBe(WORDS);
        expect(await code(recover(['alpha']))).toBe('DEPOSIT_NOT_FOUND');
      },
    );
    expect(kills).toBeGreaterThan(12);
  }, 600_000);
});
